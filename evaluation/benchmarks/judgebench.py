"""JudgeBench: pairs of one model's answers to hard questions, of which exactly one is right.

Rule: ScalerLab/JudgeBench, ``run_judge.py``, ``utils/metrics.py:compute_final_metrics`` and, for reward models,
``utils/judges.py``.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from pydantic import JsonValue

from openrubrics.data.rows import Located, PassedOver
from openrubrics.evaluation.benchmarks import upstream
from openrubrics.evaluation.benchmarks.benchmark import Benchmark, Rule, Source
from openrubrics.evaluation.benchmarks.case import Case, Rated, Scores
from openrubrics.evaluation.benchmarks.rules import AnyAnswer, by_scores, mean, pair_worth, right, right_in_all
from openrubrics.evaluation.results import Category

_SOURCES = ("mmlu-pro", "livebench-reasoning", "livebench-math", "livecodebench")
_SPLITS = {"gpt": (154, 98, 56, 42), "claude": (154, 51, 34, 31)}
_COUNTS = {
    f"{split}/{source}": count
    for split, counts in _SPLITS.items()
    for source, count in zip(_SOURCES, counts, strict=True)
}


def _cases(rows: Iterable[Located], responses: Iterable[Located]) -> Iterator[Case | PassedOver]:
    del responses
    return upstream.cases(rows, _case)


def _case(row: upstream.Row) -> Case:
    return _upstream(row) if "pair_id" in row.values or "chosen" not in row.values else _normalised(row)


def _upstream(row: upstream.Row) -> Case:
    split = _beginning(row, "response_model", _SPLITS)
    subset = f"{split}/{_beginning(row, 'source', _SOURCES)}"
    first = row.word("label", ("A>B", "B>A")) == "A>B"
    chosen, rejected = ("response_A", "response_B") if first else ("response_B", "response_A")
    prompt = row.prompt("question")
    return Case(
        id=f"{split}/{row.name('pair_id')}",
        subset=subset,
        group=upstream.group_of(prompt, row.values.get("meta")),
        prompt=prompt,
        responses=(row.text(chosen), row.text(rejected)),
        better=((0, 1),),
        meta={"better_position": "A" if first else "B"} | _key(row),
    )


def _normalised(row: upstream.Row) -> Case:
    meta = row.inner("meta")
    prompt = row.prompt("prompt")
    return Case(
        id=row.name("id"),
        subset=f"{meta.word('split', _SPLITS)}/{_beginning(meta, 'subset', _SOURCES)}",
        group=upstream.group_of(prompt, row.values.get("meta")),
        prompt=prompt,
        responses=(row.text("chosen"), row.text("rejected")),
        better=((0, 1),),
        meta={"better_position": meta.word("better_position", ("A", "B"))} | _key(meta),
    )


def _key(row: upstream.Row) -> dict[str, JsonValue]:
    """Return the reference answer that some copies of the rows hold, such as those that OpenRS has published."""
    found = row.values.get("ground_truth")
    return {"ground_truth": found} if isinstance(found, str | int | float) and str(found).strip() else {}


def _beginning(row: upstream.Row, field: str, among: Iterable[str]) -> str:
    """Return which of some words a text begins with."""
    value = row.text(field)
    for word in among:
        if value.startswith(word):
            return word
    raise row.bad(field, f"a text that begins with one of {', '.join(among)}")


def _reading(points: Callable[[AnyAnswer], float]) -> Callable[[Sequence[AnyAnswer]], Scores]:
    def reading(answers: Sequence[AnyAnswer]) -> Scores:
        scored = [(answer.case.subset, points(answer)) for answer in answers]
        names = [name for split in _SPLITS for name in (split, *(f"{split}/{source}" for source in _SOURCES))]
        parts = {name: mean(point for subset, point in scored if f"{subset}/".startswith(f"{name}/")) for name in names}
        return Scores(overall=mean(point for _, point in scored), parts=parts)

    return reading


def _more_right_than_wrong(said: Sequence[Category]) -> float:
    return float(said.count("chosen") > said.count("rejected"))


def _official_score(answer: Rated) -> float:
    """Return 1 where the better response is the first one and scores higher, or the second and scores no lower."""
    said = by_scores(answer, 0, 1)
    return float(said == "chosen" or (said == "tie" and answer.case.meta["better_position"] == "B"))


JUDGEBENCH = Benchmark(
    name="judgebench",
    title="JudgeBench",
    says="Whether a judge prefers the right of two answers to a question of knowledge, reasoning, mathematics or code.",
    licence="MIT (data card)",
    citation="Tan et al., JudgeBench: A Benchmark for Evaluating LLM-Based Judges, 2024, "
    "https://arxiv.org/abs/2410.12784",
    source=Source("ScalerLab/JudgeBench", split=("gpt", "claude")),
    cases=_cases,
    counts=_COUNTS,
    pairs=Rule(
        says="Each pair is asked in both orders; it is right where more orders prefer the right answer than the wrong "
        "one, and ties and failures are neither. A figure is the share of its pairs that are right. Strict: right in "
        "both orders.",
        official=True,
        readings={
            "official": _reading(pair_worth(_more_right_than_wrong)),
            "strict": _reading(pair_worth(right_in_all)),
        },
        orders="both",
        quirks=(
            "one order that is right is enough where the other is a tie or a failure",
            "one order right and one wrong is not right, as two ties are not",
        ),
    ),
    scores=Rule(
        says="Scores are compared once, in the order in which the pair was published: the first response wins where it "
        "has the higher score, else the second. A failure, at which the official script stops, is wrong. Strict: equal "
        "scores are wrong.",
        official=True,
        readings={"official": _reading(_official_score), "strict": _reading(pair_worth(right))},
        quirks=("equal scores count for the response that was published second, so they are right by chance",),
    ),
    answer_key=True,
    notes=(
        "the authors publish figures of the two splits apart, most often of gpt alone: compare those with the parts "
        "gpt and claude; the headline is over all pairs that were read",
        "one pair of livecodebench has the same text twice; nobody is asked about it, and it is never right",
        "upstream rows hold the label; published figures of judges that saw the reference answer are not comparable",
    ),
)
