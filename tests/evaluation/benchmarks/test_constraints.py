"""FollowBench and InFoBench: pairs of given responses, and DRFR."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from benchmark_rows import compared, located

from openrubrics.data.rows import Located, PassedOver, Place, RowError, json_lines
from openrubrics.evaluation.benchmarks import Benchmark, Case, Rated
from openrubrics.evaluation.benchmarks.constraints import FOLLOWBENCH, INFOBENCH

LEVEL: dict[str, object] = {
    "example_id": 3,
    "category": "style",
    "source": "s",
    "level": 2,
    "instruction": "Write a letter, formally, in verse.",
    "target": "",
}
REQUEST: dict[str, object] = {
    "id": "r1",
    "subset": "Easy_set",
    "category": "c",
    "instruction": "Rewrite this.",
    "input": "We went.",
    "decomposed_questions": ["Third person?", "Same meaning?", "Longer?"],
}


def made(
    benchmark: Benchmark, rows: Sequence[Located], *responses: dict[str, object]
) -> tuple[list[Case], Counter[str]]:
    """Return the cases, and the reasons why rows gave none."""
    found = list(benchmark.cases(rows, located(*responses)))
    return [one for one in found if isinstance(one, Case)], Counter(
        one.reason for one in found if isinstance(one, PassedOver)
    )


def answer(response: str, *satisfied: bool | None, name: str = "r1") -> dict[str, object]:
    return {"id": name, "response": response, "satisfied": list(satisfied)}


def test_the_first_that_meets_all_against_the_first_that_does_not() -> None:
    given = [answer(text, *met, name="style/3/2") for text, met in (
        ("misses one", (True, False)),
        ("meets all", (True, True)),
        ("misses both", (False, False)),
        ("meets all too", (True, True)),
    )]  # fmt: skip
    (case,), left = made(FOLLOWBENCH, located(LEVEL), *given)
    assert (case.id, case.subset, case.group) == ("style/3/2", "style", "style/3")
    assert (case.responses, case.better) == (("meets all", "misses one"), ((0, 1),))
    assert case.meta == {"level": 2}
    assert not left


def test_one_verdict_may_stand_for_all_constraints() -> None:
    (case,), _ = made(
        FOLLOWBENCH, located(LEVEL), answer("no", False, name="style/3/2"), answer("yes", True, name="style/3/2")
    )
    assert case.responses == ("yes", "no")


def test_rows_that_give_no_pair_are_counted() -> None:
    rows = located(LEVEL | {"level": 0}, LEVEL, LEVEL | {"level": 1}, LEVEL | {"level": 3}, LEVEL | {"level": 4})
    cases, left = made(
        FOLLOWBENCH,
        rows,
        answer("a", True, True, name="style/3/2"),
        answer("b", True, None, name="style/3/2"),
        answer("same", True, name="style/3/1"),
        answer("same", False, name="style/3/1"),
        answer("x", True, name="style/9/1"),
    )
    assert not cases
    assert left == {
        "an instruction without constraints": 1,
        "an instruction without a response that meets all constraints and another that does not": 4,
        "a response to a prompt that is not there": 1,
    }


def test_upstream_the_file_says_the_kind() -> None:
    place = Place("data/mixed_constraints.json", "item", 2)
    row = LEVEL | {"category": "format, content"}
    given = [answer("yes", True, name="mixed/3/2"), answer("no", False, name="mixed/3/2")]
    (case,), _ = made(FOLLOWBENCH, [(place, row)], *given)
    assert (case.id, case.subset) == ("mixed/3/2", "mixed")
    with pytest.raises(
        RowError, match=r"scenarios_constraints.json, item 2: field 'file' is 'scenarios'; expected one"
    ):
        made(FOLLOWBENCH, [(Place("scenarios_constraints.json", "item", 2), row)])


@pytest.mark.parametrize(
    ("row", "given", "error"),
    [
        (LEVEL | {"level": 6}, {}, "field 'level' is 6; expected a whole number from 0 to 5"),
        (LEVEL | {"category": "taste"}, {}, "field 'category' is 'taste'; expected one of content"),
        (LEVEL, {"satisfied": [True, True, True]}, "field 'satisfied' is .*; expected a list of 1 or 2 of true"),
        (LEVEL, {"satisfied": [1, 0]}, "field 'satisfied' is .*; expected a list of 1 or 2 of true, false or null"),
        (LEVEL, {"response": None}, "field 'response' is null; expected text"),
    ],
)
def test_a_bad_row_is_refused(row: dict[str, object], given: dict[str, object], error: str) -> None:
    with pytest.raises(RowError, match=f"rows.jsonl, line 1: {error}"):
        made(FOLLOWBENCH, located(row), answer("yes", True, name="style/3/2") | given)
    with pytest.raises(RowError, match=r"rows.jsonl, line 1: field 'id' is missing"):
        made(FOLLOWBENCH, located(LEVEL), {"response": "yes"})


def pair(level: int, category: str = "style") -> Case:
    row = LEVEL | {"level": level, "category": category}
    name = f"{category}/3/{level}"
    (case,), _ = made(FOLLOWBENCH, located(row), answer("yes", True, name=name), answer("no", False, name=name))
    return case


def test_pairs_by_kind_and_level() -> None:
    assert FOLLOWBENCH.pairs
    assert not FOLLOWBENCH.pairs.official
    answers = [compared(pair(1), "yy"), compared(pair(2), "yn"), compared(pair(2, "format"), "tf")]
    found = {name: reading(answers) for name, reading in FOLLOWBENCH.pairs.readings.items()}
    assert [found[name].overall for name in ("ours", "strict", "lenient")] == pytest.approx([0.5, 1 / 3, 2 / 3])
    assert found["ours"].parts == {
        "style": 0.75,
        "format": 0,
        "level 1": 1,
        "level 2": 0.25,
        "level 3": None,
        "level 4": None,
        "level 5": None,
    }


def test_a_request_keeps_all_responses_and_has_one_pair() -> None:
    (case,), left = made(
        INFOBENCH,
        located(REQUEST),
        answer("half", True, False, None),
        {"id": "r1", "response": "unjudged"},
        answer("full", True, True, True),
    )
    assert (case.id, case.subset, case.prompt) == ("r1", "Easy_set", "Rewrite this.\n\nWe went.")
    assert case.responses == ("half", "unjudged", "full")
    assert case.better == ((2, 0),)
    assert (case.rubric[0].text, [point.points for point in case.rubric]) == ("Third person?", [1, 1, 1])
    assert case.meta == {"satisfied": [[True, False, None], [None] * 3, [True, True, True]]}
    (asked,) = case.pairs("infobench")
    assert asked
    assert (asked.id, asked.chosen, asked.rejected, asked.meta) == ("r1", "full", "half", {})
    assert not left


def test_a_row_s_own_response_counts_too_and_a_judge_that_gave_up_is_filled_with_nothing() -> None:
    (case,), _ = made(INFOBENCH, located(REQUEST | {"input": "", "output": "own", "eval": [True, None]}))
    assert (case.prompt, case.responses, case.better) == ("Rewrite this.", ("own",), ())
    assert case.meta == {"satisfied": [[True, None, None]]}
    assert made(INFOBENCH, located(REQUEST)) == ([], {"a request without a response": 1})


@pytest.mark.parametrize(
    ("change", "given", "error"),
    [
        ({"subset": "easy"}, {}, "field 'subset' is 'easy'; expected one of Easy_set, Hard_set"),
        ({"decomposed_questions": []}, {}, "field 'decomposed_questions' has 0 texts; expected 1 or more"),
        ({"instruction": None}, {}, "field 'instruction' is null; expected text"),
        ({}, {"satisfied": [True]}, "field 'satisfied' is \\[true\\]; expected a list of 3 of true, false or null"),
        ({"output": "o", "eval": [1]}, {}, "field 'eval' is \\[1\\]; expected a list of 1 or 2 or 3 of true"),
    ],
)
def test_a_bad_request_is_refused(change: dict[str, object], given: dict[str, object], error: str) -> None:
    with pytest.raises(RowError, match=f"rows.jsonl, line 1: {error}"):
        made(INFOBENCH, located(REQUEST | change), answer("a", True, True, True) | given)


def graded(case: Case, *met: str, scores: tuple[float | None, ...] = ()) -> Rated:
    """Return findings by letters: y, n, or ? where there is none."""
    known = tuple(tuple({"y": True, "n": False, "?": None}[letter] for letter in one) for one in met)
    return Rated(case=case, scores=scores or (None,) * len(met), met=known)


def test_drfr_counts_questions_over_all_responses_and_stops_where_a_reply_could_not_be_read() -> None:
    assert INFOBENCH.scores
    easy, hard = (
        made(
            INFOBENCH,
            located(REQUEST | {"subset": name}),
            answer("a", True, True, True),
            answer("b", True, False, None),
        )[0][0]
        for name in ("Easy_set", "Hard_set")
    )
    answers = [graded(easy, "yyn", "yn?", scores=(2, 1)), graded(hard, "?yy", "y?y", scores=(1, 1))]
    official = INFOBENCH.scores.readings["official"](answers)
    # Easy: yyn, and yn? whose last counts as a no. Hard: ? alone, and y? alone.
    assert official.overall == pytest.approx((2 + 1 + 0 + 1) / (3 + 3 + 1 + 2))
    assert official.parts == {
        "Easy_set": pytest.approx(3 / 6),
        "Hard_set": pytest.approx(1 / 3),
        "agreement with given verdicts": pytest.approx((2 + 2 + 2 + 1) / 10),
        "pairs": 0.5,
    }
    strict = INFOBENCH.scores.readings["strict"](answers)
    assert strict.overall == pytest.approx((2 + 1 + 2 + 2) / 12)
    assert INFOBENCH.scores.readings["official"]([]).overall is None


def test_pairs_of_requests_leave_out_those_without_one() -> None:
    assert INFOBENCH.pairs
    (one,), _ = made(INFOBENCH, located(REQUEST), answer("a", True, True, True), answer("b", True, True, False))
    (none,), _ = made(INFOBENCH, located(REQUEST), answer("a", True, True, True))
    answers = [compared(one, "yn"), compared(none)]
    assert INFOBENCH.pairs.readings["ours"](answers).overall == 0.5
    assert INFOBENCH.pairs.readings["ours"]([compared(none)]).overall is None


def test_the_published_numbers() -> None:
    assert sum(INFOBENCH.counts.values()) == 500
    assert sum(FOLLOWBENCH.counts.values()) == 820
    assert {name: count / 5 for name, count in FOLLOWBENCH.counts.items()} == dict(zip(
        ("content", "situation", "style", "format", "example", "mixed"), (25, 22, 30, 30, 40, 17), strict=True
    ))  # fmt: skip
    assert INFOBENCH.responses
    assert FOLLOWBENCH.responses


def test_real_requests_with_their_own_verdicts(shared_data: Callable[[str], Path]) -> None:
    assert INFOBENCH.scores
    found = list(INFOBENCH.cases(json_lines(shared_data("infobench_raw.jsonl")), []))
    cases = [one for one in found if isinstance(one, Case)]
    assert Counter(case.subset for case in cases) == {"Easy_set": 103, "Hard_set": 95}
    assert sum(len(case.rubric) for case in cases) == 894
    given = [case.meta["satisfied"] for case in cases]
    answers = [
        Rated.model_validate({"case": case, "scores": [None], "met": met})
        for case, met in zip(cases, given, strict=True)
    ]
    scores = INFOBENCH.scores.readings["official"](answers)
    assert scores.overall == pytest.approx(789 / 894)
    assert scores.parts["agreement with given verdicts"] == 1


def test_real_instructions_with_made_up_verdicts(shared_data: Callable[[str], Path]) -> None:
    path = shared_data("followbench_raw.jsonl")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    given = [
        answer(text, *[met] * row["level"], name=row["id"])
        for row in rows
        if row["level"]
        for text, met in (("yes", True), ("no", False))
    ]
    cases, left = made(FOLLOWBENCH, list(json_lines(path)), *given)
    assert Counter(case.subset for case in cases) == {
        "style": 80,
        "content": 60,
        "format": 55,
        "example": 60,
        "situation": 40,
        "mixed": 30,
    }
    assert left == {"an instruction without constraints": 53}
    assert {case.group for case in cases} == {row["meta"]["group"] for row in rows}
