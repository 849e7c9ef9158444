"""The clients that `client_overhead.py` compares: each asks for the same judgments, and is timed in its own process."""

import asyncio
import random
import resource
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dspy

from openrubrics.lms import lm
from openrubrics.programs import Direct, GatekeeperJudge, RubricRM
from openrubrics.signatures import Judgment, PreferencePair, Rubric

MODEL = "judge"
PROMPTS = 64
SENTENCES = (
    "The tide follows the moon because its pull is a little stronger on the near side of the earth.",
    "A good answer to this names the cause first, and then gives an example that anyone can check at home.",
    "In winter the ground keeps its warmth longer than the air, which is why roots survive the first frosts.",
    "Write the total at the top of the page, then list what it is made of: rent, food, travel and savings.",
    "If the result is negative, the two terms were swapped; go back one line and subtract the smaller one.",
    "Some people find it easier to start with the last chapter and work backwards to the first question.",
    "Copper conducts better than iron, yet cables over long distances are made of aluminium, which weighs less.",
    "Ask the person what they have already tried, and only then suggest the next thing to look at.",
    "Criticism helps most when it comes early, is about one point, and says what would be better instead.",
    "The recipe works with any flour, although rye takes more water and needs about ten minutes longer.",
)


@dataclass
class Timed:
    """What a timed region took: seconds, and seconds of processor time of this process."""

    seconds: float = 0.0
    cpu: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)


@contextmanager
def timed() -> Iterator[Timed]:
    """Measure what happens inside."""
    measured, began, used = Timed(), time.perf_counter(), _cpu()
    yield measured
    measured.seconds, measured.cpu = time.perf_counter() - began, _cpu() - used


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def pairs(count: int) -> list[PreferencePair]:
    """Return comparisons whose judge prompts have about 6 kB, over a few requests; no two are equal."""
    chance = random.Random(0)
    requests = [_text(chance, 700) for _ in range(PROMPTS)]
    return [
        PreferencePair(
            id=str(i),
            prompt=requests[i % PROMPTS],
            chosen=f"{i}. {_text(chance, 1250)}",
            rejected=f"{i}. {_text(chance, 1250)}",
        )
        for i in range(count)
    ]


def _text(chance: random.Random, size: int) -> str:
    text = ""
    while len(text) < size:
        text += chance.choice(SENTENCES) + chance.choice((" ", " ", "\n\n", "\n- "))
    return text.strip()


def _rubric() -> Rubric:
    from slow_server import RUBRIC

    return Rubric.parse(RUBRIC)


def _messages(pair: PreferencePair, judge: GatekeeperJudge, rubric: Rubric) -> list[dict[str, str]]:
    return judge.predict.messages(prompt=pair.prompt, rubric=rubric, response_a=pair.chosen, response_b=pair.rejected)


async def _side_by_side(items: list[Any], in_flight: int, call: Callable[[Any], Awaitable[None]]) -> None:
    """Call for every item, so many at a time."""
    waiting = iter(items)

    async def work() -> None:
        for item in waiting:
            await call(item)

    await asyncio.gather(*(work() for _ in range(in_flight)))


def raw_aiohttp(url: str, count: int, in_flight: int, folder: Path) -> Timed:
    """Post messages that are ready and take the text from the reply, on one session: aiohttp as its manual shows it."""
    import aiohttp
    import orjson

    judge, rubric = GatekeeperJudge(), _rubric()
    options = {"temperature": 0.0, "max_tokens": 1024}
    bodies = [{"model": MODEL, "messages": _messages(pair, judge, rubric), **options} for pair in pairs(count)]

    async def main() -> Timed:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def post(body: dict[str, Any]) -> None:
                async with session.post(f"{url}/chat/completions", json=body) as reply:
                    content = await reply.json()
                if "Winner" not in content["choices"][0]["message"]["content"]:
                    raise RuntimeError("no judgment")

            await _side_by_side(bodies[:in_flight], in_flight, post)
            with timed() as measured:
                await _side_by_side(bodies, in_flight, post)
            return measured

    measured = asyncio.run(main())
    measured.extra["prompt_bytes"] = sum(len(orjson.dumps(body)) for body in bodies) // len(bodies)
    return measured


def litellm(url: str, count: int, in_flight: int, folder: Path) -> Timed:
    """Ask with messages that are ready, through LiteLLM."""
    from litellm import acompletion

    judge, rubric = GatekeeperJudge(), _rubric()
    asked = [_messages(pair, judge, rubric) for pair in pairs(count)]

    async def ask(messages: list[dict[str, str]]) -> None:
        reply: Any = await acompletion(
            model=f"hosted_vllm/{MODEL}",
            api_base=url,
            api_key="none",
            messages=messages,
            temperature=0.0,
            max_tokens=1024,
            num_retries=0,
        )
        if "Winner" not in reply.choices[0].message.content:
            raise RuntimeError("no judgment")

    async def main() -> Timed:
        await _side_by_side(asked[:in_flight], in_flight, ask)
        with timed() as measured:
            await _side_by_side(asked, in_flight, ask)
        return measured

    return asyncio.run(main())


def dspy_evaluate(url: str, count: int, in_flight: int, folder: Path) -> Timed:
    """Judge with `RubricRM` in the threads of `dspy.Evaluate`, rubrics cached."""
    items = pairs(count)
    program = RubricRM()
    model = lm(f"hosted_vllm/{MODEL}", api_base=url, temperature=0.0, max_tokens=1024)
    examples = [
        dspy.Example(prompt=pair.prompt, response_a=pair.chosen, response_b=pair.rejected).with_inputs(
            "prompt", "response_a", "response_b"
        )
        for pair in items
    ]

    def right(example: dspy.Example, judgment: Judgment, trace: object = None) -> bool:
        return judgment.preferred == "A"

    with dspy.context(lm=model):
        for prompt in {pair.prompt: None for pair in items}:
            program.generate(prompt=prompt)

        def evaluate(devset: list[dspy.Example]) -> None:
            result = dspy.Evaluate(
                devset=devset, metric=right, num_threads=in_flight, display_progress=False, max_errors=1
            )(program)
            if result.score != 100:
                raise RuntimeError(f"score {result.score}")

        evaluate(examples[:in_flight])
        with timed() as measured:
            evaluate(examples)
    return measured


def ours(url: str, count: int, in_flight: int, folder: Path) -> Timed:
    """Judge with `RubricRM` through `Direct`, rubrics cached, every reply kept in a ledger on disk."""
    from openrubrics.data import Ledger, in_bulk

    items = pairs(count)
    program = RubricRM()
    model = lm(f"hosted_vllm/{MODEL}", api_base=url, temperature=0.0, max_tokens=1024)

    async def judge_all(direct: Direct, some: list[PreferencePair]) -> None:
        async def judged(pair: PreferencePair) -> Judgment:
            return await direct(program, prompt=pair.prompt, response_a=pair.chosen, response_b=pair.rejected)

        async with aclosing(in_bulk(judged, some, concurrency=in_flight)) as judgments:
            async for judgment in judgments:
                if judgment.preferred != "A" or judgment.usage.calls != 1:
                    raise RuntimeError(f"{judgment.outcome}")

    async def main() -> Timed:
        with Ledger(folder / "ledger.sqlite", identity={}) as ledger:
            direct = Direct(concurrency=in_flight, replies=ledger)
            for prompt in {pair.prompt: None for pair in items}:
                await direct(program.generate, prompt=prompt)
            await judge_all(Direct(concurrency=in_flight), items[:in_flight])
            with timed() as measured:
                await judge_all(direct, items)
            return measured

    with dspy.context(lm=model):
        return asyncio.run(main())


CLIENTS: dict[str, Callable[[str, int, int, Path], Timed]] = {
    "raw aiohttp": raw_aiohttp,
    "litellm": litellm,
    "dspy.Evaluate": dspy_evaluate,
    "openrubrics": ours,
}
