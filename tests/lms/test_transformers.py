"""A local checkpoint answers as `transformers` itself does, one request at a time, and says what it cannot do."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dspy
import pytest
from lively_qwen3 import TEXTS, lively_qwen3

from openrubrics.lms import Budget, budget, lm, lm_error, lm_identity, usage_meter
from openrubrics.lms.transformers_engine import TransformersEngine
from openrubrics.programs import Direct, RubricRM
from openrubrics.signatures import Failed, LMError, Rubric
from openrubrics.signatures.errors import BudgetError, DataError, UsageError
from openrubrics.train.tiny import tiny_qwen3

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Passing OpenAI-style message:DeprecationWarning"),
]

MESSAGES = [{"role": "user", "content": "Which response is better, and why?"}]
PAIR = {"prompt": "Name a prime number.", "response_a": "Seven", "response_b": "Seven is a prime number."}
RUBRIC = Rubric.parse("1. The response names a prime number. [Hard Rule]")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lively_qwen3(tmp_path_factory.mktemp("local") / "judge")


def model(checkpoint: Path, **options: Any) -> dspy.LM:  # noqa: ANN401 - options of a request
    return lm(f"local/{checkpoint}", **{"max_tokens": 24, "temperature": 0.0, **options})


def generated(checkpoint: Path, *, adapter: Path | None = None, thinking: bool = True, limit: int = 24) -> list[int]:
    """Return what `model.generate` continues MESSAGES with, greedily."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    weights: Any = AutoModelForCausalLM.from_pretrained(checkpoint)
    if adapter:
        from peft import PeftModel

        weights = PeftModel.from_pretrained(weights, str(adapter))
    inputs: Any = tokenizer.apply_chat_template(
        MESSAGES, add_generation_prompt=True, return_tensors="pt", return_dict=True, enable_thinking=thinking
    )
    with torch.inference_mode():
        tokens = weights.generate(**inputs, do_sample=False, max_new_tokens=limit)[0]
    return tokens[inputs["input_ids"].shape[1] :].tolist()


def decoded(checkpoint: Path, tokens: list[int]) -> str:
    from transformers import AutoTokenizer

    return str(AutoTokenizer.from_pretrained(checkpoint).decode(tokens, skip_special_tokens=True))


@pytest.mark.parametrize("thinking", [True, False])
def test_greedy_text_is_that_of_generate_token_for_token(checkpoint: Path, thinking: bool) -> None:
    judge = model(checkpoint, chat_template_kwargs={"enable_thinking": thinking})
    (output,) = judge(messages=MESSAGES)
    assert output["text"] == decoded(checkpoint, generated(checkpoint, thinking=thinking))
    assert output["text"] != decoded(checkpoint, generated(checkpoint, thinking=not thinking))
    assert judge(messages=MESSAGES) == [output]
    assert asyncio.run(judge.acall(messages=MESSAGES)) == [output]


def test_the_name_holds_the_hash_and_a_slash_at_the_end_is_nothing(checkpoint: Path) -> None:
    judge, again = model(checkpoint), lm(f"local/{checkpoint}/", temperature=0.0, max_tokens=24)
    assert judge.model.startswith("local/judge-")
    assert lm_identity(judge) == lm_identity(again), "kept replies are found again"
    assert lm_identity(judge) != lm_identity(model(checkpoint, max_tokens=25))


def test_a_cut_text_says_so_and_an_end_of_turn_ends_it(checkpoint: Path, tmp_path: Path) -> None:
    (output,) = model(checkpoint)(messages=MESSAGES)
    assert output["finish_reason"] == "length"
    tokens = generated(checkpoint)
    ending = copied(checkpoint, tmp_path / "ending", eos_token_id=[399, tokens[3]])
    with usage_meter() as spent:
        (output,) = model(ending)(messages=MESSAGES)
    end = tokens.index(tokens[3]) + 1
    assert output["finish_reason"] == "stop"
    assert spent.usage.completion_tokens == end
    assert output["text"] == decoded(checkpoint, tokens[:end])


def copied(checkpoint: Path, path: Path, **generation: object) -> Path:
    """Copy a checkpoint, with another generation configuration."""
    path.mkdir()
    for file in checkpoint.iterdir():
        (path / file.name).write_bytes(file.read_bytes())
    settings = json.loads((path / "generation_config.json").read_text())
    (path / "generation_config.json").write_text(json.dumps(settings | generation))
    return path


def test_a_stop_text_ends_the_answer_before_it(checkpoint: Path) -> None:
    whole = decoded(checkpoint, generated(checkpoint))
    stop = whole[12:15]
    with usage_meter() as spent:
        (output,) = model(checkpoint, stop=["not there", stop])(messages=MESSAGES)
    assert output == {"text": whole[: whole.index(stop)], "finish_reason": "stop"}
    assert spent.usage.completion_tokens < 24
    # The prompt is no part of the answer, even where a text would begin there.
    (output,) = model(checkpoint, stop=["assistant\n" + whole[0]])(messages=MESSAGES)
    assert output == {"text": whole, "finish_reason": "length"}


def test_tokens_are_counted_and_limits_are_kept(checkpoint: Path) -> None:
    judge = model(checkpoint)
    with usage_meter() as spent:
        judge(messages=MESSAGES)
    from transformers import AutoTokenizer

    text = AutoTokenizer.from_pretrained(checkpoint).apply_chat_template(MESSAGES, add_generation_prompt=True)
    read: Any = text["input_ids"] if not isinstance(text, list) else text
    assert (spent.usage.calls, spent.usage.prompt_tokens, spent.usage.completion_tokens) == (1, len(read), 24)
    assert spent.usage.cost == 0
    with budget(Budget(max_calls=1)):
        judge(messages=MESSAGES)
        with pytest.raises(BudgetError):
            judge(messages=MESSAGES)


def test_samples_differ_and_a_seed_brings_them_back(checkpoint: Path) -> None:
    judge = model(checkpoint, temperature=1.0, n=3)
    with usage_meter() as spent:
        first = judge(messages=MESSAGES, seed=5)
    assert spent.usage.calls == 1
    assert spent.usage.completion_tokens <= 72
    assert len({output["text"] for output in first}) == 3
    assert judge(messages=MESSAGES, seed=5) == first
    assert judge(messages=MESSAGES, seed=6) != first
    greedy = model(checkpoint, n=3)
    with usage_meter() as spent:
        outputs = greedy(messages=MESSAGES)
    assert len(outputs) == 3
    assert len({output["text"] for output in outputs}) == 1
    assert spent.usage.completion_tokens == 24


def test_sampling_that_leaves_one_token_is_greedy(checkpoint: Path) -> None:
    (greedy,) = model(checkpoint)(messages=MESSAGES)
    for narrow in ({"top_k": 1}, {"top_p": 1e-6}, {"min_p": 1.0}):
        assert model(checkpoint, temperature=1.0, **narrow)(messages=MESSAGES) == [greedy]


def test_without_options_the_checkpoint_decides(checkpoint: Path, tmp_path: Path) -> None:
    greedy = copied(checkpoint, tmp_path / "greedy", temperature=0.01, top_k=1, max_new_tokens=9)
    (output,) = lm(f"local/{greedy}")(messages=MESSAGES)
    assert output["text"] == decoded(checkpoint, generated(checkpoint, limit=9))
    # Without a word from anybody it samples from all tokens, as vLLM does.
    outputs = [lm(f"local/{checkpoint}", max_tokens=24)(messages=MESSAGES)[0]["text"] for _ in range(3)]
    assert len(set(outputs)) == 3


def test_threads_and_tasks_get_their_own_answers(checkpoint: Path) -> None:
    judge = model(checkpoint, max_tokens=8, temperature=1.0)
    chats = [{"messages": [{"role": "user", "content": f"Is {n} a prime?"}], "seed": n} for n in range(12)]
    alone = [judge(**chat) for chat in chats]
    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(lambda chat: judge(**chat), chats)) == alone

    async def together() -> list[Any]:
        return await asyncio.gather(*(judge.acall(**chat) for chat in chats))

    assert asyncio.run(together()) == alone


def test_the_loop_goes_on_and_a_cancelled_request_is_given_up(tmp_path: Path) -> None:
    checkpoint = tiny_qwen3(tmp_path / "endless", TEXTS, hidden=64, layers=2, vocab=400)
    judge = model(checkpoint, max_tokens=2000)
    begun = time.monotonic()
    (output,) = judge(messages=MESSAGES)
    whole = time.monotonic() - begun
    assert output["finish_reason"] == "length"

    async def cancelled() -> int:
        tasks = [asyncio.create_task(judge.acall(messages=MESSAGES)) for _ in range(3)]
        ticks = 0
        for _ in range(5):
            await asyncio.sleep(0.01)
            ticks += 1
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return ticks

    begun = time.monotonic()
    assert asyncio.run(cancelled()) == 5
    model(checkpoint)(messages=MESSAGES)
    assert time.monotonic() - begun < 0.7 * whole, "neither finished nor begun"


def test_what_it_writes_is_a_failure_of_the_program(checkpoint: Path) -> None:
    with dspy.context(lm=model(checkpoint)):
        judgment = RubricRM(rubric=RUBRIC)(**PAIR)
        whole = RubricRM()(**PAIR)
    assert isinstance(judgment.outcome, Failed)
    assert judgment.orders[0].votes[0].raw
    assert judgment.usage.completion_tokens == 24
    assert isinstance(whole.outcome, Failed)


def test_bulk_judging_asks_it_too(checkpoint: Path) -> None:
    rm = RubricRM(rubric=RUBRIC)
    rm.judge.set_lm(model(checkpoint))

    async def judged() -> list[Any]:
        ask = Direct(concurrency=2)
        return await asyncio.gather(*(ask(rm, **PAIR) for _ in range(2)))

    for judgment in asyncio.run(judged()):
        assert isinstance(judgment.outcome, Failed)
        assert judgment.usage.calls == 1
        assert judgment.usage.completion_tokens == 24


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"structured_outputs": {"choice": ["A"]}}, "takes no structured_outputs"),
        ({"logprobs": True}, "takes no logprobs"),
        ({"frequency_penalty": 0.5}, "takes no frequency_penalty"),
    ],
)
def test_an_option_it_cannot_keep_to_is_refused(checkpoint: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(dspy.LMError, match=message) as caught:
        model(checkpoint)(messages=MESSAGES, **options)
    assert isinstance(lm_error(caught.value), LMError)


def test_a_prompt_beyond_the_context_is_refused_and_a_reply_stays_in_it(tmp_path: Path) -> None:
    short = lively_qwen3(tmp_path / "short", max_positions=128)
    with pytest.raises(dspy.ContextWindowExceededError, match=r"but the context of short-\S+ 128"):
        model(short)(messages=[{"role": "user", "content": "word " * 200}])
    with usage_meter() as spent:
        (output,) = model(short, max_tokens=5000)(messages=MESSAGES)
    assert spent.usage.tokens == 128
    assert output["finish_reason"] == "length"


def test_messages_that_the_template_refuses_are_refused(checkpoint: Path) -> None:
    bare = copied(checkpoint, checkpoint.parent / "bare")
    (bare / "chat_template.jinja").write_text("{{ raise_exception('no such turn') }}")
    with pytest.raises(dspy.LMError, match="the chat template refuses the messages: no such turn"):
        model(bare)(messages=MESSAGES)


def test_an_adapter_answers_with_its_base(checkpoint: Path, tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    config = LoraConfig(r=4, lora_alpha=64, target_modules="all-linear", init_lora_weights=False)
    weights: Any = AutoModelForCausalLM.from_pretrained(checkpoint)
    get_peft_model(weights, config).save_pretrained(str(tmp_path / "adapter"))
    judge = model(tmp_path / "adapter")
    assert judge.model.startswith("local/adapter-")
    (output,) = judge(messages=MESSAGES)
    assert output["text"] == decoded(checkpoint, generated(checkpoint, adapter=tmp_path / "adapter"))
    assert output["text"] != decoded(checkpoint, generated(checkpoint))


def test_names_that_mean_no_checkpoint_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere is not a folder"):
        lm(f"local/{tmp_path}/nowhere")
    with pytest.raises(DataError, match="is not a checkpoint"):
        lm(f"local/{tmp_path}")
    with pytest.raises(UsageError, match="local/FOLDER"):
        lm("local/")


def test_it_travels_to_workers_without_its_weights(checkpoint: Path) -> None:
    judge = model(checkpoint)
    expected = judge(messages=MESSAGES)
    assert isinstance(judge.engine, TransformersEngine)
    sent = pickle.dumps(judge.engine)
    assert len(sent) < 2000
    assert pickle.loads(sent).complete.__func__ is TransformersEngine.complete  # noqa: S301 - our own
    assert copy.deepcopy(judge)(messages=MESSAGES) == expected
    assert threading.active_count() < 20
