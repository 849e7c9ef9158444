"""LLMBar (Zeng et al.): pairs of which one response follows the instruction, and the other only looks better.

Rule as in ``LLMEvaluator/evaluate.py`` of princeton-nlp/LLMBar; averages over the five sets as in table 2 of the paper.

Their data set on the hub holds a program and no rows (files listed at commit e14faa6), and programs of the hub are not
run. RewardBench has all five sets as subsets, of the same numbers: this is what is read from there.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePath
from statistics import fmean

from openrubrics.data.rows import Located, PassedOver
from openrubrics.evaluation.benchmarks.benchmark import Benchmark, Rule, Source
from openrubrics.evaluation.benchmarks.case import Answer, Case, Rated, Scores
from openrubrics.evaluation.benchmarks.rules import comparisons, mean, right
from openrubrics.evaluation.benchmarks.upstream import Row, cases, group_of, pair_of
from openrubrics.evaluation.results import Category

_ADVERSARIAL = ("Neighbor", "GPTInst", "GPTOut", "Manual")
_SETS = ("Natural", *_ADVERSARIAL)
_DOMAINS = {"natural": "Natural", **{f"adversarial-{name.casefold()}": name for name in _ADVERSARIAL}}
_SUBSETS = {
    "llmbar-natural": "Natural",
    "llmbar-adver-neighbor": "Neighbor",
    "llmbar-adver-GPTInst": "GPTInst",
    "llmbar-adver-GPTOut": "GPTOut",
    "llmbar-adver-manual": "Manual",
}
"""What RewardBench calls the sets."""

Said = Callable[[Answer], Sequence[Category]]
"""Makes the two orders of a pair of an answer."""


def _cases(rows: Iterable[Located], responses: Iterable[Located]) -> Iterator[Case | PassedOver]:
    """Return the pairs; the repository keeps what others judged in the same folders, which is not read."""
    benchmark = ((place, row) for place, row in rows if "evaluators" not in PurePath(place.name).parts)
    return cases(benchmark, _case)


def _case(row: Row) -> Case | PassedOver:
    if "subset" in row.values:
        return _of_rewardbench(row)
    return _normalised(row) if "chosen" in row.values else _upstream(row)


def _normalised(row: Row) -> Case:
    pair = pair_of(row)
    return Case.of(pair, subset=_DOMAINS[row.word("domain", _DOMAINS)], group=group_of(pair.prompt, pair.meta))


def _of_rewardbench(row: Row) -> Case | PassedOver:
    """Return a pair of RewardBench, if it is one of LLMBar's."""
    subset = row.text("subset")
    if subset not in _SUBSETS:
        return PassedOver("a pair of RewardBench that is none of LLMBar")
    prompt = row.prompt("prompt")
    return Case(
        id=f"{subset}/{row.name('id')}",
        subset=_SUBSETS[subset],
        group=group_of(prompt),
        prompt=prompt,
        responses=(row.text("chosen"), row.text("rejected")),
        better=((0, 1),),
    )


def _upstream(row: Row) -> Case:
    """Return a pair of a ``dataset.json``; its folder says which set it belongs to."""
    folder = PurePath(row.place.name).parent.name
    if folder not in _SETS:
        found = Row({"folder": folder}, row.place)
        raise found.bad("folder", f"one of {', '.join(_SETS)}, as in the repository, with dataset.json in it")
    outputs, prompt = (row.text("output_1"), row.text("output_2")), row.prompt("input")
    label = row.values.get("label")
    if type(label) is not int or label not in (1, 2):
        raise row.bad("label", "1 or 2, the better output")
    return Case(
        id=f"{folder}/{row.place.number}",
        subset=folder,
        group=group_of(prompt, row.values.get("meta")),
        prompt=prompt,
        responses=outputs if label == 1 else outputs[::-1],
        better=((0, 1),),
    )


def _official(answer: Answer) -> Sequence[Category]:
    """Return both orders; for ratings one of each where they are equal or one is unreadable, as upstream does it."""
    said = comparisons(answer)[0]
    if isinstance(answer, Rated):
        return said * 2 if said[0] in {"chosen", "rejected"} else ("chosen", "rejected")
    return said


def _strict(answer: Answer) -> Sequence[Category]:
    said = comparisons(answer)[0]
    return said * 2 if isinstance(answer, Rated) else said


def _agrees(said: Sequence[Category]) -> float:
    """Return whether all orders say the same; what is no verdict is the same as any other that is none."""
    return float(len({one if one in {"chosen", "rejected"} else "none" for one in said}) == 1)


def _agrees_on_one(said: Sequence[Category]) -> float:
    """Return whether all orders prefer the same response."""
    return float(set(said) in ({"chosen"}, {"rejected"}))


def _reading(said: Said, agrees: Callable[[Sequence[Category]], float]) -> Callable[[Sequence[Answer]], Scores]:
    def reading(answers: Sequence[Answer]) -> Scores:
        orders = {name: [said(answer) for answer in answers if answer.case.subset == name] for name in _SETS}
        accuracy = {name: fmean(map(right, found)) if found else None for name, found in orders.items()}
        agreement = {name: fmean(map(agrees, found)) if found else None for name, found in orders.items()}
        return Scores(
            overall=mean(accuracy.values()),
            parts={
                **accuracy,
                "Adversarial": mean(accuracy[name] for name in _ADVERSARIAL),
                "agreement": mean(agreement.values()),
                **{f"agreement/{name}": value for name, value in agreement.items()},
                "agreement/Adversarial": mean(agreement[name] for name in _ADVERSARIAL),
            },
        )

    return reading


_MEANS = "Accuracy is the mean of the five sets, Adversarial that of its four, every set the same."

LLMBAR = Benchmark(
    name="llmbar",
    title="LLMBar",
    says="Whether a judge prefers the response that follows the instruction over one that only looks better.",
    licence="MIT (LICENSE of the repository); the copy in RewardBench ODC-BY (its data card)",
    citation="Zeng et al., Evaluating Large Language Models at Evaluating Instruction Following, ICLR 2024, "
    "arXiv:2310.07641, https://github.com/princeton-nlp/LLMBar",
    source=Source("allenai/reward-bench", split=("filtered",)),
    cases=_cases,
    counts={"Natural": 100, "Neighbor": 134, "GPTInst": 92, "GPTOut": 47, "Manual": 46},
    pairs=Rule(
        says=f"Accuracy averaged over both orders; ties and unreadable replies are wrong. {_MEANS} Agreement is the "
        "share of pairs for which both orders say the same; in the strict reading both have to be verdicts.",
        official=True,
        readings={"official": _reading(_official, _agrees), "strict": _reading(_strict, _agrees_on_one)},
        orders="both",
        quirks=("two replies without a verdict count as agreement",),
    ),
    scores=Rule(
        says=f"As the authors compare ratings: equal or unreadable ones are right in one order and wrong in the other. "
        f"{_MEANS} Strict: they are wrong, and no agreement.",
        official=True,
        readings={"official": _reading(_official, _agrees), "strict": _reading(_strict, _agrees_on_one)},
        quirks=("equal or unreadable ratings are worth half a pair",),
    ),
    notes=(
        "from the hub these are the five LLMBar subsets of RewardBench, as many pairs as the authors' own; that all "
        "texts are the same was not checked. The authors' files are in folder Dataset/LLMBar of princeton-nlp/LLMBar "
        "on GitHub, for --path",
        "the authors' program scores one set at a time; that averages weigh the sets the same is told by the figures "
        "in table 2 of the paper",
        "kappa, which the authors' program prints too, compares labels 1 and 2 with 0 and 1; it is not computed",
        "unknown: how the authors scored ties of reward models (table 3 of the paper)",
    ),
)
