"""Ask a judge what the audits want to know: the pairs as they are, changed, and once more."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from openrubrics.data import Ledger
from openrubrics.evaluation.audits.paraphrase import Paraphrases, paraphrased, texts_to_paraphrase
from openrubrics.evaluation.audits.question import Asked, Auditor, Given, Question
from openrubrics.evaluation.audits.registry import auditors
from openrubrics.evaluation.audits.result import Audits
from openrubrics.evaluation.metrics import failures, measure
from openrubrics.evaluation.results import EvaluatedPair
from openrubrics.evaluation.run import PairJudge, aevaluate
from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.outcomes import Failed
from openrubrics.signatures.values import Orders, PreferencePair

Heard = Callable[[object], None]
"""Called with each thing that is finished."""


class Watch(Protocol):
    """Looks on while something is asked."""

    def __call__(self, what: str, count: int, /) -> AbstractContextManager[Heard]:
        """Return a context in which `count` answers come; what it gives is called with each of them."""
        ...


@contextmanager
def unwatched(what: str, count: int, /) -> Iterator[Heard]:
    """Let nobody look on."""
    yield lambda _: None


@dataclass(frozen=True)
class AuditSettings:
    """How a judge is audited.

    Attributes:
        only: Names of the audits; all where it is empty.
        orders: What the judge asks for; no more can be told from it.
        repeats: Times that the pairs as they are are judged.
        most: Most pairs that each audit changes; with so many pairs or fewer, all.
        seed: For slots, samples and intervals.
        concurrency: Most comparisons under way at a time.

    Raises:
        UsageError: A number is below 1, the seed is negative, or there is no audit of a name.
    """

    only: tuple[str, ...] = ()
    orders: Orders = "both"
    repeats: int = 2
    most: int = 40
    seed: int = 0
    concurrency: int = 16

    def __post_init__(self) -> None:
        for name, least in (("repeats", 1), ("most", 1), ("seed", 0), ("concurrency", 1)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} is {getattr(self, name)}", f"it is at least {least}")
        auditors(self.only)


@dataclass(frozen=True)
class Plan:
    """What audits will ask at most: which questions they ask depends on what the judge says.

    Attributes:
        judged: The pairs as they are; none where no audit needs them.
        repeats: Times that those are judged; 0 where none are.
        questions: The changed pairs.
        paraphrases: Number of texts to be put in other words.
    """

    judged: Sequence[PreferencePair]
    repeats: int
    questions: Sequence[Question]
    paraphrases: int


def plan(pairs: Sequence[PreferencePair], settings: AuditSettings, *, paraphrase: bool = False) -> Plan:
    """Return what `aaudit` would ask at most, without asking.

    Args:
        pairs: The pairs as they are.
        settings: As for `aaudit`.
        paraphrase: Whether texts will be put in other words.

    Raises:
        DataError: There are no pairs, or an id comes twice.
    """
    _check(pairs)
    wanted, repeats = _wanted(settings)
    given = Given(pairs, settings.orders, seed=settings.seed, most=settings.most)
    texts = texts_to_paraphrase(given, wanted) if paraphrase else ()
    given = replace(given, paraphrases={text: f"{text} In other words." for text in texts} if paraphrase else None)
    return Plan(
        judged=pairs if repeats else (),
        repeats=repeats,
        questions=[question for one in wanted for question in one.ask(given)],
        paraphrases=len(texts),
    )


def _wanted(settings: AuditSettings) -> tuple[tuple[Auditor, ...], int]:
    """Return the audits that are asked for, and how often they need the pairs as they are judged."""
    wanted = auditors(settings.only)
    if any(one.needs_again for one in wanted):
        return wanted, settings.repeats
    return wanted, int(any(one.needs_judged for one in wanted))


async def aaudit(
    judge: PairJudge,
    pairs: Sequence[PreferencePair],
    settings: AuditSettings | None = None,
    *,
    fresh: Callable[[], PairJudge] | None = None,
    paraphraser: Paraphrases | None = None,
    ledger: Ledger | None = None,
    watch: Watch = unwatched,
) -> Audits:
    """Audit a judge: how what should not matter moves its verdicts, and whether what should matter does.

    The pairs are judged as they are, then changed in the ways of the audits, then as they are once more. A changed pair
    has its responses in the same slots. With a ledger the run can be stopped and go on, as with `aevaluate`.

    Args:
        judge: Compares two responses.
        pairs: At least one, with different ids.
        settings: Which audits, and how; by default all.
        fresh: Makes the judge of each further repeat, without the rubrics of the one before; by default it is `judge`.
        paraphraser: Puts responses in other words; without one, what that does is not measured.
        ledger: Where replies and judgments are kept.
        watch: Looks on.

    Returns:
        The results, in the order of `openrubrics.evaluation.audits.AUDITS`.

    Raises:
        DataError: There are no pairs, an id comes twice, or pairs were judged in more orders than the settings say.
        UsageError: The ledger cannot be written.
    """
    settings = settings or AuditSettings()
    _check(pairs)
    wanted, repeats = _wanted(settings)
    asking = _Asking(settings, ledger, watch)
    given = Given(pairs, settings.orders, seed=settings.seed, most=settings.most)
    if repeats:
        given = replace(given, judged=await asking.judge(judge, pairs, "judging"))
    if paraphraser is not None and (texts := texts_to_paraphrase(given, wanted)):
        with watch("paraphrasing", len(texts)) as heard:
            found = await paraphrased(paraphraser, texts, settings.concurrency, ledger, heard)
        given = replace(given, paraphrases=found)
    questions = [list(one.ask(given)) for one in wanted]
    answers = iter(await asking.judge(judge, [one.pair for part in questions for one in part], "auditing"))
    for repeat in range(1, repeats):
        again = await asking.judge(fresh() if fresh else judge, pairs, "judging again", repeat)
        given = replace(given, again=(*given.again, again))
    return Audits(
        pairs=len(pairs),
        orders=settings.orders,
        judged=measure(given.judged, orders=settings.orders, seed=settings.seed) if repeats else None,
        repeats=repeats,
        asked=len(asking.results),
        failed=sum(isinstance(result.judgment.outcome, Failed) for result in asking.results),
        failures=failures(asking.results, settings.orders),
        audits=tuple(
            one.measure(given, [Asked(question, next(answers)) for question in part])
            for one, part in zip(wanted, questions, strict=True)
        ),
    )


class _Asking:
    """Asks part after part, and keeps what was said."""

    def __init__(self, settings: AuditSettings, ledger: Ledger | None, watch: Watch) -> None:
        self.results: list[EvaluatedPair] = []
        self._settings = settings
        self._ledger = ledger
        self._watch = watch
        self._start = 0

    async def judge(
        self, judge: PairJudge, pairs: Sequence[PreferencePair], what: str, repeat: int = 0
    ) -> list[EvaluatedPair]:
        if not pairs:
            return []
        with self._watch(what, len(pairs)) as heard:
            results = await aevaluate(
                judge,
                pairs,
                seed=self._settings.seed,
                concurrency=self._settings.concurrency,
                on_result=heard,
                slim=True,
                ledger=self._ledger,
                repeat=repeat,
                start=0 if repeat else self._start,
            )
        self._start += len(pairs)
        self.results += results
        return results


def _check(pairs: Sequence[PreferencePair]) -> None:
    if not pairs:
        raise DataError("there are no pairs to audit a judge with", "give at least one pair")
    (name, count), *_ = Counter(pair.id for pair in pairs).most_common(1)
    if count > 1:
        raise DataError(f"id {name!r} comes {count} times", "give each pair an id of its own")


def audit(
    judge: PairJudge,
    pairs: Sequence[PreferencePair],
    settings: AuditSettings | None = None,
    *,
    fresh: Callable[[], PairJudge] | None = None,
    paraphraser: Paraphrases | None = None,
    ledger: Ledger | None = None,
    watch: Watch = unwatched,
) -> Audits:
    """Do what `aaudit` does, from code that is not asynchronous.

    Raises:
        UsageError: An event loop is already running here, as in a notebook, or as for `aaudit`.
        DataError: As for `aaudit`.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asked = aaudit(judge, pairs, settings, fresh=fresh, paraphraser=paraphraser, ledger=ledger, watch=watch)
        return asyncio.run(asked)
    raise UsageError("audit() cannot run inside an event loop", "write: await aaudit(...)")
