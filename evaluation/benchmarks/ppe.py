"""PPE (Frick et al.): conflict pairs of IFEval responses, and human preferences of Chatbot Arena.

The repository of the authors, lmarena/PPE, could not be read here. Layouts are those of the data cards on the hub; how
conflict pairs are told comes from a copy of its ``benchmarks/base.py`` and from several independent converters. How
many of the human preferences have a winner is not known here: the data card gives all rows, with ties; the J1 paper
(arXiv:2505.10320) asks 10.2K of them, and does not say which.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite

from pydantic import JsonValue

from openrubrics.data.rows import Located, PassedOver
from openrubrics.evaluation.benchmarks.benchmark import Benchmark, Rule, Source
from openrubrics.evaluation.benchmarks.case import Answer, Case, Scores
from openrubrics.evaluation.benchmarks.plain import OURS, AnyReading, ours
from openrubrics.evaluation.benchmarks.rules import Worth, comparisons, mean
from openrubrics.evaluation.benchmarks.upstream import Row, cases, group_of, pair_of, several

_CITATION = (
    "Frick et al., How to Evaluate Reward Models for RLHF, ICLR 2025, arXiv:2410.14872, https://github.com/lmarena/PPE"
)
_PAIR = "a list of pairs of places in 'scores', counted from 0"
_FLAGS = ("hard_prompt", "easy_prompt", "if_prompt", "math_prompt", "is_code", "is_refusal")


def _conflicts(row: Row) -> Iterator[Case | PassedOver]:
    """Yield the sampled pairs of a prompt, the response with the higher score as the better one."""
    if "chosen" in row.values:
        pair = pair_of(row)
        yield Case.of(pair, subset=row.word("domain", ("ifeval",)), group=group_of(pair.prompt, pair.meta))
        return
    prompt, question = row.prompt("prompt"), row.name("question_id")
    model = f"/{row.text('model_name')}" if row.values.get("model_name") else ""
    scores = _scores(row)
    for number, (first, second) in enumerate(_places(row, len(scores))):
        if scores[first] == scores[second]:
            yield PassedOver("a conflict pair with equal scores")
            continue
        better, worse = (first, second) if scores[first] > scores[second] else (second, first)
        yield Case(
            id=f"{question}{model}+{number}",
            subset="ifeval",
            group=group_of(prompt, row.values.get("meta")),
            prompt=prompt,
            responses=(row.text(f"response_{better + 1}"), row.text(f"response_{worse + 1}")),
            better=((0, 1),),
        )


def _scores(row: Row) -> list[float]:
    value = row.values.get("scores")
    if not isinstance(value, list) or not all(isinstance(item, int | float) and isfinite(item) for item in value):
        raise row.bad("scores", "a list of true or false, or of numbers")
    return [float(item) for item in value]


def _places(row: Row, count: int) -> list[tuple[int, int]]:
    value = row.values.get("sampled_conflict_pairs")
    if not isinstance(value, list):
        raise row.bad("sampled_conflict_pairs", _PAIR)
    found: list[tuple[int, int]] = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2 or not all(type(i) is int and 0 <= i < count for i in pair):
            raise row.bad("sampled_conflict_pairs", _PAIR)
        found.append((pair[0], pair[1]))
    return found


def _preference(row: Row) -> Case | PassedOver:
    """Return a battle with a winner; the flags and the language of the prompt go into `meta`."""
    if "chosen" in row.values:
        pair = pair_of(row)
        return Case.of(pair, subset=row.word("domain", ("human",)), group=group_of(pair.prompt, pair.meta))
    winner = row.text("winner").casefold()
    if winner.startswith("tie"):
        return PassedOver("a tie of the annotators")
    if winner not in {"model_a", "model_b"}:
        raise row.bad("winner", "model_a, model_b, or a tie")
    prompt, responses = row.prompt("prompt"), (row.text("response_1"), row.text("response_2"))
    flags: list[JsonValue] = [flag for flag in _FLAGS if row.values.get(flag) is True]
    return Case(
        id=row.name("question_id"),
        subset="human",
        group=group_of(prompt, row.values.get("meta")),
        prompt=prompt,
        responses=responses if winner == "model_a" else responses[::-1],
        better=((0, 1),),
        meta={"flags": flags, "language": str(row.values.get("language") or "unknown")},
    )


def _by_flags(worth: Worth) -> AnyReading:
    """Return a reading over all pairs, with parts for kinds of prompts, which overlap, and for languages."""

    def reading(answers: Sequence[Answer]) -> Scores:
        found: dict[str, list[float]] = {name: [] for name in (*_FLAGS, "English", "other languages")}
        values = [worth(comparisons(answer)[0]) for answer in answers]
        for answer, value in zip(answers, values, strict=True):
            flags, language = answer.case.meta.get("flags"), answer.case.meta.get("language")
            for flag in flags if isinstance(flags, list) else ():
                found[str(flag)].append(value)
            if isinstance(language, str) and language != "unknown":
                found["English" if language == "English" else "other languages"].append(value)
        return Scores(overall=mean(values), parts={name: mean(part) for name, part in found.items()})

    return reading


def _ifeval_cases(rows: Iterable[Located], responses: Iterable[Located]) -> Iterator[Case | PassedOver]:
    return several(rows, _conflicts)


def _preference_cases(rows: Iterable[Located], responses: Iterable[Located]) -> Iterator[Case | PassedOver]:
    return cases(rows, _preference)


_UNKNOWN = (
    "unknown: what the authors' code makes of ties and unreadable replies, and which orders it asks; that it counts "
    "right conflict pairs is told by others who use it"
)

PPE_IFEVAL = Benchmark(
    name="ppe-ifeval",
    title="PPE, IFEval conflict pairs",
    says="Whether a judge tells a response that meets all verifiable constraints of a prompt from one that does not.",
    licence="not verified for these rows; the human preferences of the same authors: prompts CC-BY-4.0, responses "
    "under the terms of the providers of the models",
    citation=_CITATION,
    source=Source("lmarena-ai/PPE-IFEval-Best-of-K", split=("train",)),
    cases=_ifeval_cases,
    counts={"ifeval": 2560},
    pairs=Rule(says=f"Right pairs / all conflict pairs, every pair the same. {OURS}", official=False, readings=ours()),
    scores=Rule(
        says=f"Pairs in which the better response has the higher score / all conflict pairs. {OURS}",
        official=False,
        readings=ours(),
    ),
    notes=(
        _UNKNOWN,
        "512 prompts with 32 responses each, of which 5 pairs a prompt are asked; best-of-k curves, area under the "
        "curve and the other figures of PPE need all 32 scores and are not computed",
        "the sampled pairs do not say which response is right: the higher of the two entries in 'scores' decides, as "
        "in a copy of the authors' code; a pair with equal scores is left out and counted",
    ),
)

_PREFERENCE_SAYS = f"Right pairs / all pairs that have a winner. {OURS}"

PPE_PREFERENCE = Benchmark(
    name="ppe-preference",
    title="PPE, human preference",
    says="Whether a judge agrees with the users of Chatbot Arena about which of two responses is better.",
    licence="prompts CC-BY-4.0; responses under the terms of the providers of the models (data card)",
    citation=_CITATION,
    source=Source("lmarena-ai/PPE-Human-Preference-V1"),
    cases=_preference_cases,
    counts={},
    pairs=Rule(says=_PREFERENCE_SAYS, official=False, readings=ours(_by_flags)),
    scores=Rule(
        says=f"{_PREFERENCE_SAYS} The response with the higher score wins.", official=False, readings=ours(_by_flags)
    ),
    notes=(
        "unknown: how the authors score rows that users called a tie; one copy of their judge leaves them out; so do "
        "we, and count them",
        "unknown: how many of the 16,038 rows have a winner, so no run can be checked for completeness",
        "accuracy is one of seven figures that the authors report; correlations over models, separability, confidence "
        "agreement and the Brier score are not computed",
        "parts by kind of prompt overlap, and a prompt may be in none",
        "for evaluation only, as the data card asks",
    ),
)
