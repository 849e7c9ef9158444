"""What this project relies on in vLLM, asked of the real thing without our own client in between."""

import json
import re
import urllib.request
from typing import Any
from urllib.error import HTTPError

import pytest

from openrubrics.serving import VLLMServer

pytestmark = [pytest.mark.serving, pytest.mark.timeout(600)]

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


def metric(server: VLLMServer, name: str) -> float:
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=30) as response:
        text = response.read().decode()
    values = re.findall(rf"^{re.escape(name)}\{{[^}}]*\}} (\S+)$", text, re.MULTILINE)
    assert values, f"/metrics has no {name}"
    return sum(map(float, values))


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


def test_without_thinking_the_prompt_holds_the_empty_think_block(vllm_server: VLLMServer) -> None:
    closed, open_ = (
        chat(vllm_server, "Hi", max_tokens=1, return_token_ids=True, chat_template_kwargs={"enable_thinking": thinking})
        for thinking in (False, True)
    )
    prompt, without = closed["prompt_token_ids"], open_["prompt_token_ids"]
    assert prompt[: len(without)] == without
    assert len(prompt) > len(without), "<think> and </think> and the line breaks"


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


def test_n_samples_come_back_from_one_request(vllm_server: VLLMServer) -> None:
    before = metric(vllm_server, "vllm:prompt_tokens_total")
    reply = chat(vllm_server, "Who wins?", n=3, temperature=1.0, structured_outputs={"choice": VERDICTS})
    assert [choice["index"] for choice in reply["choices"]] == [0, 1, 2]
    assert all(choice["message"]["content"] in VERDICTS for choice in reply["choices"])
    assert metric(vllm_server, "vllm:prompt_tokens_total") > before


def test_a_shared_prefix_hits_the_cache(vllm_server: VLLMServer) -> None:
    rubric = "\n".join(f"{number}. The response follows instruction {number}. [Hard Rule]" for number in range(1, 40))
    first = chat(vllm_server, f"{rubric}\n\nResponse A: yes")
    hits, queries = (metric(vllm_server, f"vllm:prefix_cache_{name}_total") for name in ("hits", "queries"))
    second = chat(vllm_server, f"{rubric}\n\nResponse A: no, and here is why")
    read = second["usage"]["prompt_tokens"]
    assert metric(vllm_server, "vllm:prefix_cache_queries_total") - queries == read
    hit = metric(vllm_server, "vllm:prefix_cache_hits_total") - hits
    assert hit > 0.5 * first["usage"]["prompt_tokens"], f"{hit} of {read} tokens"
