"""What this project relies on in vLLM, asked of the real thing without our own client in between."""

import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from openrubrics.serving import VLLMServer

pytestmark = [pytest.mark.serving, pytest.mark.timeout(600)]

# Counters of /metrics: HTTP requests, samples asked for, tokens looked up and found in the prefix cache, which keeps
# whole blocks only, of 128 tokens on a CPU.
REQUESTS = "http_requests_total"
SAMPLES = "vllm:request_params_n_sum"
QUERIES = "vllm:prefix_cache_queries_total"
HITS = "vllm:prefix_cache_hits_total"

Metric = Callable[[str], float]
VERDICTS = ["Winner: Response A", "Winner: Response B"]


def chat(server: VLLMServer, text: str, **options: object) -> Any:  # noqa: ANN401 - JSON as it comes
    body = {
        "model": server.name,
        "messages": [{"role": "user", "content": text}],
        "chat_template_kwargs": {"enable_thinking": False},
        "max_tokens": 24,
        **options,
    }
    request = urllib.request.Request(
        f"{server.api_base}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as response:
        return json.load(response)


def test_chat_answers_under_the_name_that_carries_the_hash(vllm_server: VLLMServer) -> None:
    assert re.fullmatch(r"tiny-[0-9a-f]{8}", vllm_server.name)
    reply = chat(vllm_server, "Which is better?", max_tokens=5, ignore_eos=True)
    assert reply["model"] == vllm_server.name
    assert reply["choices"][0]["finish_reason"] == "length"
    assert reply["choices"][0]["message"]["content"]
    assert reply["usage"]["completion_tokens"] == 5


def test_another_name_is_refused(vllm_server: VLLMServer) -> None:
    with pytest.raises(HTTPError, match="404"):
        chat(vllm_server, "Which is better?", model="tiny")


@pytest.mark.parametrize("thinking", [False, True])
def test_the_server_reads_the_prompt_that_the_tokenizer_renders(
    vllm_server: VLLMServer, tiny_checkpoint: Path, thinking: bool
) -> None:
    from transformers import AutoTokenizer

    text = "1. The response is brief. [Hard Rule]\n\n  Résumé <|im_end|> 好 "
    options = {"enable_thinking": thinking}
    reply = chat(vllm_server, text, max_tokens=1, return_token_ids=True, chat_template_kwargs=options)
    tokenizer = AutoTokenizer.from_pretrained(tiny_checkpoint)
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True, **options
    )
    assert reply["prompt_token_ids"] == tokenizer.encode(prompt)


def test_a_structured_output_is_one_of_the_choices(vllm_server: VLLMServer) -> None:
    for seed in range(6):
        reply = chat(vllm_server, "Who wins?", structured_outputs={"choice": VERDICTS}, temperature=1.0, seed=seed)
        assert reply["choices"][0]["message"]["content"] in VERDICTS
        assert reply["choices"][0]["finish_reason"] == "stop"


def test_logprobs_cover_the_text_and_rank_the_alternatives(vllm_server: VLLMServer) -> None:
    reply = chat(
        vllm_server, "Who wins?", structured_outputs={"choice": VERDICTS}, logprobs=True, top_logprobs=5, temperature=0
    )
    choice = reply["choices"][0]
    tokens = choice["logprobs"]["content"]
    assert "".join(token["token"] for token in tokens) == choice["message"]["content"] + "<|im_end|>"
    for token in tokens:
        assert token["logprob"] <= 0
        assert len(token["top_logprobs"]) >= 5
        assert token["token"] in {other["token"] for other in token["top_logprobs"]}


def test_n_samples_come_back_from_one_request(vllm_server: VLLMServer, vllm_metric: Metric) -> None:
    before = vllm_metric(REQUESTS), vllm_metric(SAMPLES)
    reply = chat(vllm_server, "Who wins?", n=3, temperature=1.0, structured_outputs={"choice": VERDICTS})
    assert [choice["index"] for choice in reply["choices"]] == [0, 1, 2]
    assert all(choice["message"]["content"] in VERDICTS for choice in reply["choices"])
    assert (vllm_metric(REQUESTS), vllm_metric(SAMPLES)) == (before[0] + 1, before[1] + 3)


def test_a_shared_prefix_hits_the_cache(vllm_server: VLLMServer, vllm_metric: Metric) -> None:
    rubric = "\n".join(f"{number}. The response follows instruction {number}. [Hard Rule]" for number in range(1, 40))
    first = chat(vllm_server, f"{rubric}\n\nResponse A: yes")
    hits, queries = vllm_metric(HITS), vllm_metric(QUERIES)
    second = chat(vllm_server, f"{rubric}\n\nResponse A: no, and here is why")
    assert vllm_metric(QUERIES) - queries == second["usage"]["prompt_tokens"]
    assert vllm_metric(HITS) - hits > 0.5 * first["usage"]["prompt_tokens"]


def test_a_prompt_beyond_the_context_is_refused_not_cut(vllm_server: VLLMServer) -> None:
    with pytest.raises(HTTPError, match="400") as caught:
        chat(vllm_server, "word " * 5000)
    assert "maximum context length is 4096 tokens" in json.load(caught.value)["error"]["message"]
