"""FollowBench and InFoBench: benchmarks of policies, from whose responses pairs and scores are made here.

The pairs of the OpenRubrics paper (v3, section 5.1) are not public; ours have the same form: of one prompt, a response
that meets all constraints and one that does not. InFoBench's DRFR as in ``evaluation.py`` of qinyiwei/InfoBench.

FollowBench's data set on the hub keeps English and Chinese files side by side; the English ones are read by name, since
the name says the kind of constraints (names as listed at commit 959c452; the commit that is read has as many files in
that folder). The paper counts 820 instructions, five levels of each example. By kind: the authors' files on GitHub end
at example 25 (content), 22 (situation), 30 (style), 30 (format) and 17 (mixed), which leaves 200 for kind example.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePath
from statistics import fmean

from pydantic import JsonValue

from openrubrics.data.rows import Located, PassedOver
from openrubrics.evaluation.benchmarks.benchmark import Benchmark, Rule, Source
from openrubrics.evaluation.benchmarks.case import Answer, Case, Point, Rated, Scores
from openrubrics.evaluation.benchmarks.plain import OURS, AnyReading, ours, plain
from openrubrics.evaluation.benchmarks.rules import Worth, by_scores, comparisons, mean
from openrubrics.evaluation.benchmarks.upstream import Responses, Row, group_of, several

_CATEGORIES = ("content", "situation", "style", "format", "example", "mixed")
_LEVELS = 5
_FILE = "_constraints.json"
_SETS = ("Easy_set", "Hard_set")

Verdicts = tuple[bool | None, ...]
"""Whether each constraint is met; None where that is not known."""


def _verdicts(row: Row, field: str, counts: Iterable[int]) -> Verdicts:
    """Return the verdicts on a response, of which there are as many as one of some counts."""
    value, counts = row.values.get(field), tuple(counts)
    if (
        not isinstance(value, list)
        or len(value) not in counts
        or not all(one is None or isinstance(one, bool) for one in value)
    ):
        raise row.bad(field, f"a list of {' or '.join(map(str, counts))} of true, false or null, one a constraint")
    return tuple(value)


def _pair(verdicts: Sequence[Verdicts], responses: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Return the first response that meets everything and the first other that misses something, where both are."""
    full = next((place for place, found in enumerate(verdicts) if found and all(found)), None)
    missing = next((place for place, found in enumerate(verdicts) if False in found), None)
    if full is None or missing is None or responses[full] == responses[missing]:
        return ()
    return ((full, missing),)


def _followbench_cases(rows: Iterable[Located], responses: Iterable[Located]) -> Iterator[Case | PassedOver]:
    given = Responses(responses, "id")
    yield from several(rows, lambda row: _instruction(row, given))
    yield from given.left()


def _instruction(row: Row, responses: Responses) -> Iterator[Case | PassedOver]:
    """Yield the pair of an instruction, if two responses make one."""
    level, category = row.whole("level"), _category(row)
    example = f"{category}/{row.name('example_id')}"
    name = row.name("id") if "id" in row.values else f"{example}/{level}"
    if level > _LEVELS:
        raise row.bad("level", f"a whole number from 0 to {_LEVELS}")
    if level == 0:
        yield PassedOver("an instruction without constraints")
        return
    given = responses.take(name)
    texts = [answer.text("response") for answer in given]
    verdicts = [_verdicts(answer, "satisfied", sorted({1, level})) for answer in given]
    pair = _pair(verdicts, texts)
    if not pair:
        yield PassedOver("an instruction without a response that meets all constraints and another that does not")
        return
    prompt, (full, missing) = row.prompt("instruction"), pair[0]
    yield Case(
        id=name,
        subset=category,
        group=group_of(prompt, row.values.get("meta") or {"group": example}),
        prompt=prompt,
        responses=(texts[full], texts[missing]),
        better=((0, 1),),
        meta={"level": level},
    )


def _category(row: Row) -> str:
    """Return the kind of constraints; upstream the file tells it, since rows of mixed ones list kinds of their own."""
    file = PurePath(row.place.name).name
    if not file.endswith(_FILE):
        return row.word("category", _CATEGORIES)
    return Row({"file": file.removesuffix(_FILE)}, row.place).word("file", _CATEGORIES)


def _by_levels(worth: Worth) -> AnyReading:
    """Return a reading with parts for the kinds of constraints and for the levels."""

    def points(answer: Answer) -> float:
        return worth(comparisons(answer)[0])

    whole = plain(worth)

    def reading(answers: Sequence[Answer]) -> Scores:
        found = whole(answers)
        levels = {
            f"level {level}": mean(points(answer) for answer in answers if answer.case.meta["level"] == level)
            for level in range(1, _LEVELS + 1)
        }
        return Scores(overall=found.overall, parts={**found.parts, **levels})

    return reading


def _infobench_cases(rows: Iterable[Located], responses: Iterable[Located]) -> Iterator[Case | PassedOver]:
    given = Responses(responses, "id")
    yield from several(rows, lambda row: _request(row, given))
    yield from given.left()


def _request(row: Row, responses: Responses) -> Iterator[Case | PassedOver]:
    """Yield the case of a request with all its responses: the row's own, where it has one, and those given."""
    name, questions = row.name("id"), row.texts("decomposed_questions")
    texts: list[str] = []
    verdicts: list[Verdicts] = []
    for output, judged in (("output", "eval"), ("sample_output", "sample_output_gpt4_verdicts")):
        if isinstance(row.values.get(output), str):
            texts.append(row.text(output))
            verdicts.append(_own_verdicts(row, judged, len(questions)))
    for answer in responses.take(name):
        texts.append(answer.text("response"))
        known = "satisfied" in answer.values
        verdicts.append(_verdicts(answer, "satisfied", [len(questions)]) if known else (None,) * len(questions))
    if not texts:
        yield PassedOver("a request without a response")
        return
    given = row.values.get("input")
    text = (
        f"{row.text('instruction')}\n\n{given}" if isinstance(given, str) and given.strip() else row.text("instruction")
    )
    prompt = Row({"instruction": text}, row.place).prompt("instruction")
    satisfied: list[JsonValue] = [list(found) for found in verdicts]
    yield Case(
        id=name,
        subset=row.word("subset", _SETS),
        group=group_of(prompt, row.values.get("meta")),
        prompt=prompt,
        responses=tuple(texts),
        better=_pair(verdicts, texts),
        rubric=tuple(Point(text=question, points=1) for question in questions),
        meta={"satisfied": satisfied},
    )


def _own_verdicts(row: Row, field: str, count: int) -> Verdicts:
    """Return the verdicts that a row brings along; the official judge ends them where a reply could not be read."""
    if row.values.get(field) is None:
        return (None,) * count
    found = _verdicts(row, field, range(1, count + 1))
    return found + (None,) * (count - len(found))


def _paired(worth: Worth) -> AnyReading:
    """Return a reading over the requests that have a pair."""
    whole = plain(worth)
    return lambda answers: whole([answer for answer in answers if answer.case.better])


def _until_unreadable(met: Verdicts) -> Verdicts:
    """Return the findings that the official program counts: it asks no more once a reply could not be read."""
    return met[: met.index(None) + 1] if None in met else met


def _drfr(counted: Callable[[Verdicts], Verdicts]) -> Callable[[Sequence[Rated]], Scores]:
    """Return a reading: questions that are met / all that are counted, over all responses."""

    def share(answers: Sequence[Rated]) -> float | None:
        found = [one is True for answer in answers for met in answer.met for one in counted(met)]
        return fmean(found) if found else None

    def reading(answers: Sequence[Rated]) -> Scores:
        sets = {name: share([answer for answer in answers if answer.case.subset == name]) for name in _SETS}
        agreed = [same for answer in answers for same in _agreements(answer)]
        paired = [by_scores(answer, i, j) == "chosen" for answer in answers for i, j in answer.case.better]
        return Scores(
            overall=share(answers),
            parts={
                **sets,
                "agreement with given verdicts": fmean(agreed) if agreed else None,
                "pairs": fmean(paired) if paired else None,
            },
        )

    return reading


def _agreements(answer: Rated) -> Iterator[bool]:
    """Yield whether the scorer says the same as each verdict that was given with a response."""
    given = answer.case.meta["satisfied"]
    for met, verdicts in zip(answer.met, given if isinstance(given, list) else (), strict=False):
        if isinstance(verdicts, list):
            yield from (one == verdict for one, verdict in zip(met, verdicts, strict=True) if verdict is not None)


_SAYS_PAIRS = (
    "One pair a prompt: the first response of the file that meets all constraints against the first that misses one. "
)
_NOT_PUBLIC = (
    "unknown: the pairs of the OpenRubrics paper, which are not public; it sampled two responses of Qwen3-8B or 14B, "
    "of which one meets all constraints and one does not, so figures are not comparable with its own"
)

FOLLOWBENCH = Benchmark(
    name="followbench",
    title="FollowBench, as pairs",
    says="Whether a judge prefers a response that meets all constraints of an instruction over one that misses some.",
    licence="Apache-2.0 (LICENSE of the repository)",
    citation="Jiang et al., FollowBench: A Multi-level Fine-grained Constraints Following Benchmark for Large Language "
    "Models, ACL 2024, arXiv:2310.20410, https://github.com/YJiangcm/FollowBench",
    source=Source(
        "YuxinJiang/FollowBench",
        files=tuple(f"data_en/{category}{_FILE}" for category in _CATEGORIES),
        revision="03a0578946afb379ee8c0fa8061c9c65daa0f93a",
    ),
    cases=_followbench_cases,
    counts={"content": 125, "situation": 110, "style": 150, "format": 150, "example": 200, "mixed": 85},
    pairs=Rule(says=f"{_SAYS_PAIRS}Right pairs / all pairs. {OURS}", official=False, readings=ours(_by_levels)),
    scores=Rule(
        says=f"{_SAYS_PAIRS}Pairs in which the better response has the higher score / all pairs. {OURS}",
        official=False,
        readings=ours(_by_levels),
    ),
    responses="id (as in the data, or category/example_id/level), response, and satisfied: whether each constraint of "
    "the level is met, or one entry for all of them",
    answer_key=True,
    notes=(
        "numbers are of the instructions with constraints, of which each gives one pair at most: responses that leave "
        "some without a pair are counted, and said",
        "with --path keep the names of the authors' files, which say the kind of constraints; rows have no ids, so "
        "responses name category/example_id/level",
        "a benchmark of policies: the pairs, and who says which constraints are met, are the user's",
        _NOT_PUBLIC,
        "its own figures (hard and soft satisfaction rate by level, consistent levels) are not computed: the data "
        "gives instructions of growing length, and no text of the single constraint that a scorer could be asked about",
    ),
)

INFOBENCH = Benchmark(
    name="infobench",
    title="InFoBench",
    says="How many of the requirements of a request a response meets, as a scorer sees it; and whether a judge prefers "
    "a response that meets all of them over one that does not.",
    licence="MIT (data card, and LICENSE of the repository)",
    citation="Qin et al., InFoBench: Evaluating Instruction Following Ability in Large Language Models, ACL Findings "
    "2024, arXiv:2401.03601, https://github.com/qinyiwei/InfoBench",
    source=Source("kqsong/InFoBench", split=("train",)),
    cases=_infobench_cases,
    counts={"Easy_set": 252, "Hard_set": 248},
    pairs=Rule(says=f"{_SAYS_PAIRS}Right pairs / all pairs. {OURS}", official=False, readings=ours(_paired)),
    scores=Rule(
        says="DRFR: decomposed questions that are answered with yes / all questions, over all responses. Official: the "
        "first question of a response without a finding is a no, and those after it do not count. Strict: every "
        "question without a finding is a no. Agreement: verdicts that came with the responses and are the scorer's too "
        "/ all that came; no finding is no agreement.",
        official=True,
        readings={"official": _drfr(_until_unreadable), "strict": _drfr(lambda met: met)},
        quirks=(
            "questions after an unreadable reply are not asked, and not counted, so that failures late in a response "
            "cost less than early ones",
        ),
    ),
    responses="id, response, and for pairs satisfied: whether each decomposed question is answered with yes",
    notes=(
        "a benchmark of policies: DRFR measures what wrote the responses as much as the scorer; the share of questions "
        "on which the scorer agrees with given verdicts is a part",
        _NOT_PUBLIC,
        "the scorer's prompt is ours; the official judge (GPT-4) asks the questions one after the other in one "
        "conversation, and sees the input but not the instruction",
        "500 requests with 2,250 questions",
        "a row's own response and verdicts (output and eval, or sample_output) count as one more response",
    ),
)
