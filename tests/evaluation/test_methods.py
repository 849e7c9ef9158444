"""PAMR, Rubric-RM and a direct judge on real pairs, with one reading behind all: what differs is the method alone."""

import importlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from openrubrics.evaluation import EvaluatedPair, evaluate
from openrubrics.programs import AdaptiveRubricJudge
from openrubrics.signatures import Failed, PreferencePair, Verdict, prompt_text
from openrubrics.signatures.outcomes import Compared
from openrubrics.verifiers import request_checks, verify

Find = Callable[[str], Path]

FILES = (
    "ifeval_verified_pairs", "llmbar", "judgebench", "rm_bench_raw", "pandalm_test", "tulu1_human", "hhh_alignment",
)  # fmt: skip
METHODS = (
    "direct", "rubric-rm", "rubric-rm, checks first", "openrs", "openrs, two calls", "openrs, released rule",
    "openrs, no guards",
)  # fmt: skip

AS_OTHERS = ("rubric-rm, checks first", "openrs, released rule")
"""What costs as much as another method."""


@pytest.fixture
def methods(repository: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmark, as a module."""
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    return importlib.import_module("methods")


@pytest.fixture
def sample(methods: ModuleType, shared_data: Find) -> list[PreferencePair]:
    """Pairs that code decides, pairs that it does not, and three of one prompt."""
    some: list[PreferencePair] = methods.pairs(shared_data("ifeval_verified_pairs.jsonl"))[:4]
    some += [one for one in methods.pairs(shared_data("tulu1_human.jsonl")) if "vicuna_55" in one.id]
    return some + methods.pairs(shared_data("llmbar.jsonl"))[5:9]


def broken(pair: PreferencePair, response: str) -> bool:
    rules = request_checks(prompt_text(pair.prompt))
    return any(verify(rule.check, response, "strict").passed is False for rule in rules if rule.check)


def by_code(pair: PreferencePair) -> str | None:
    """Return which response wins because it alone breaks nothing that code can check."""
    chosen, rejected = broken(pair, pair.chosen), broken(pair, pair.rejected)
    return None if chosen == rejected else "rejected" if chosen else "chosen"


def said(results: list[EvaluatedPair]) -> list[list[str]]:
    return [[one.category(shown.outcome) for shown in one.judgment.orders] for one in results]


def test_each_method_asks_for_what_it_is_said_to_ask_for_and_reads_every_reply(
    methods: ModuleType, sample: list[PreferencePair]
) -> None:
    left = [pair for pair in sample if by_code(pair) is None]
    prompts, of_left = len({prompt_text(one.prompt) for one in sample}), len({prompt_text(one.prompt) for one in left})
    assert 0 < len(left) < len(sample)
    assert prompts < len(sample)
    judged = {name: evaluate(methods.method(name), sample) for name in METHODS if name not in AS_OTHERS}
    asked = {name: sum(one.judgment.usage.calls for one in results) for name, results in judged.items()}
    assert asked == {
        "direct": 2 * len(sample),
        "rubric-rm": 2 * len(sample) + prompts,
        "openrs": 2 * len(left) + of_left,
        "openrs, two calls": 3 * len(left) + of_left,
        "openrs, no guards": 2 * len(sample) + prompts,
    }
    expected = said(judged["rubric-rm"])
    assert all(first == second for first, second in expected), "the reader does not care which one is shown first"
    for name, results in judged.items():
        for pair, one, usual in zip(sample, results, expected, strict=True):
            shown = one.judgment.orders
            assert [order.order for order in shown] == ["AB", "BA"], (name, pair.id)
            assert not any(isinstance(order.outcome, Failed) for order in shown), (name, pair.id)
            assert not any(found.unquoted for order in shown for found in order.compared), (name, pair.id)
            if one.judgment.decided_by == "judge":
                assert [one.category(order.outcome) for order in shown] == usual, "the same reading, the same outcome"
            elif name.startswith("openrs"):
                assert {one.category(order.outcome) for order in shown} == {by_code(pair)}, pair.id
    assert {one.id for one in judged["openrs"] if one.judgment.decided_by == "checks"} == {
        pair.id for pair in sample if by_code(pair)
    }


def without_reasons(compared: Sequence[Compared]) -> list[Compared]:
    """Return findings without what names responses as they were shown."""
    return [one.model_copy(update={"reason": ""}) for one in compared]


@pytest.mark.parametrize("two_calls", [False, True], ids=["one call", "two calls"])
def test_scores_of_exchanged_responses_are_the_same_with_the_other_sign(
    methods: ModuleType, sample: list[PreferencePair], two_calls: bool
) -> None:
    signs: dict[str, list[int]] = {}
    for rule in ("symmetric", "released"):
        judge = AdaptiveRubricJudge(guards=False, two_calls=two_calls, aggregation=rule, domain="general")
        judge.set_lm(methods.scripted_reader())
        for pair in sample:
            (one,), (other,) = (
                judge(pair.prompt, *shown).orders
                for shown in ((pair.chosen, pair.rejected), (pair.rejected, pair.chosen))
            )
            assert without_reasons(one.compared) == without_reasons([found.swapped() for found in other.compared])
            assert one.score is not None
            assert one.score == -(other.score or 0.0), pair.id
            assert isinstance(one.outcome, Verdict) == bool(one.score)
            signs.setdefault(rule, []).append((one.score > 0) - (one.score < 0))
    assert signs["symmetric"] == signs["released"], "no criterion is critical, so both are the sign of one weighted sum"
    assert set(signs["symmetric"]) == {-1, 0, 1}


def lines(text: str, head: str) -> Iterator[list[str]]:
    """Yield the cells of the table whose head begins with a cell, line by line."""
    (table,) = [block for block in text.split("\n\n") if block.startswith(f"| {head} |")]
    first, _, *rest = table.strip().splitlines()
    yield from ([cell.strip() for cell in line.strip("|").split("|")] for line in (first, *rest))


def of_guide(repository: Path) -> dict[str, list[str]]:
    text = (repository / "docs" / "embedded.md").read_text(encoding="utf-8").partition("<!-- embedded methods -->\n")[2]
    return {name: rest for name, *rest in lines(text, "pairs")}


def test_guide_and_benchmarks_tell_the_same(methods: ModuleType, repository: Path) -> None:
    text = (repository / "benchmarks" / "README.md").read_text(encoding="utf-8")
    accuracy, decided = (
        {name: rest for name, *rest in lines(text, head)}
        for head in ("accuracy; right in both orders", "decided by checks; requests per pair")
    )
    shown = of_guide(repository)
    assert shown.pop("pairs")
    names = {f"{methods.FILES[stem]}, {shown[methods.FILES[stem]][0]}": methods.FILES[stem] for stem in FILES}
    assert set(names.values()) == set(shown)
    assert set(accuracy) - {"accuracy; right in both orders"} == set(names)
    assert tuple(decided["decided by checks; requests per pair"]) == METHODS == tuple(methods.METHODS)
    columns = [accuracy["accuracy; right in both orders"].index(one) for one in ("direct", "rubric-rm", "openrs")]
    for name, short in names.items():
        longer, *methods_ = (accuracy[name][i].partition(";")[0] for i in (0, *columns))
        requests = [decided[name][i - 1].partition("; ") for i in columns]
        by_checks = requests[-1][0]
        assert shown[short][1:] == [longer, *methods_, by_checks, ", ".join(one[2] for one in requests)]


@pytest.mark.slow
@pytest.mark.parametrize("stem", FILES)
def test_the_guide_tells_what_is_measured(methods: ModuleType, shared_data: Find, repository: Path, stem: str) -> None:
    judged: dict[str, list[EvaluatedPair]] = methods.side_by_side(methods.pairs(shared_data(f"{stem}.jsonl")))
    found = methods.figures(judged)
    text = (repository / "benchmarks" / "README.md").read_text(encoding="utf-8")
    for head, table in methods.tables({stem: found}).items():
        assert list(lines(table, head))[1] in list(lines(text, head))
    usual = said(judged["rubric-rm"])
    for name, results in judged.items():
        assert found[name]["failed"] == 0
        for one, told, expected in zip(results, said(results), usual, strict=True):
            assert one.judgment.decided_by == "checks" or told == expected, f"{name}: {one.id}"
