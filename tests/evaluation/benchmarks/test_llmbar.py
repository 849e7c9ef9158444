"""LLMBar by its official rule, against the arithmetic of the paper's own table."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmark_rows import cases, compared, file_cases, located, rated

from openrubrics.data.rows import Located, PassedOver, Place, RowError
from openrubrics.evaluation.benchmarks import Case, Compared
from openrubrics.evaluation.benchmarks.llmbar import LLMBAR
from openrubrics.evaluation.benchmarks.load import load
from openrubrics.evaluation.benchmarks.rewardbench import REWARDBENCH

SETS = ("Natural", "Neighbor", "GPTInst", "GPTOut", "Manual")
ROW: dict[str, object] = {"input": "Say yes.", "output_1": "No.", "output_2": "Yes.", "label": 2}


def upstream(row: dict[str, object], folder: str = "Natural", number: int = 1) -> Located:
    return Place(f"Dataset/LLMBar/{folder}/dataset.json", "item", number), row


def one(folder: str = "Natural", number: int = 1) -> Case:
    return cases(LLMBAR, [upstream(ROW, folder, number)])[0]


def test_a_row_gets_its_set_from_its_folder() -> None:
    case = one("Adversarial/Neighbor", 3)
    assert (case.id, case.subset, case.prompt) == ("Neighbor/3", "Neighbor", "Say yes.")
    assert (case.responses, case.better, case.meta) == (("Yes.", "No."), ((0, 1),), {})
    (first,) = cases(LLMBAR, [upstream(ROW | {"label": 1})])
    assert first.responses == ("No.", "Yes.")


def test_the_normalised_form_gives_the_same_pair() -> None:
    row = {"id": "n", "prompt": "Say yes.", "chosen": "Yes.", "rejected": "No.", "domain": "adversarial-gptout"}
    (case,) = cases(LLMBAR, located(row))
    assert case == one("Adversarial/GPTOut").model_copy(update={"id": "n"})


def test_a_row_of_rewardbench_gives_the_same_pair() -> None:
    row = {"id": 7, "prompt": "Say yes.", "chosen": "Yes.", "rejected": "No.", "subset": "llmbar-adver-GPTOut"}
    (case,) = cases(LLMBAR, located(row))
    assert case == one("Adversarial/GPTOut").model_copy(update={"id": "llmbar-adver-GPTOut/7"})
    other = list(LLMBAR.cases(located(row | {"subset": "mt-bench-hard"}), ()))
    assert other == [PassedOver("a pair of RewardBench that is none of LLMBar")]


def test_the_subsets_of_rewardbench_are_as_large_as_the_sets() -> None:
    """So that what is read from there can be complete."""
    row = {"id": 7, "prompt": "Say yes.", "chosen": "Yes.", "rejected": "No."}
    theirs = {name: count for name, count in REWARDBENCH.counts.items() if name.startswith("llmbar-")}
    found = cases(LLMBAR, located(*({**row, "subset": name} for name in theirs)))
    assert {case.subset: count for case, count in zip(found, theirs.values(), strict=True)} == LLMBAR.counts


@pytest.mark.parametrize(
    ("row", "folder", "error"),
    [
        (ROW, "Processed/MT-Bench", "field 'folder' is 'MT-Bench'; expected one of Natural, Neighbor"),
        (ROW | {"label": "2"}, "Natural", "field 'label' is '2'; expected 1 or 2"),
        (ROW | {"label": True}, "Natural", "field 'label' is true; expected 1 or 2"),
        (ROW | {"output_1": None}, "Natural", "field 'output_1' is null; expected text"),
        ({"chosen": "a", "rejected": "b", "prompt": "p", "domain": "casestudy-normal"}, "Natural", "field 'domain' is"),
    ],
)
def test_a_bad_row_is_refused(row: dict[str, object], folder: str, error: str) -> None:
    with pytest.raises(RowError, match=f"{folder}/dataset.json, item 1: {error}"):
        cases(LLMBAR, [upstream(row, folder)])


def test_the_repository_s_folder_is_read_without_what_others_judged(tmp_path: Path) -> None:
    for folder in ("Natural", "Adversarial/Manual"):
        judged = tmp_path / folder / "evaluators" / "GPT-4" / "CoT"
        judged.mkdir(parents=True)
        (judged / "result.json").write_text(json.dumps([ROW | {"results": []}]))
        (judged / "statistics.json").write_text(json.dumps({"equal": "1 / 1"}, indent=2))
        (tmp_path / folder / "dataset.json").write_text(json.dumps([ROW, ROW | {"label": 1}]))
    loaded = load(LLMBAR, tmp_path)
    assert loaded.counts == {"Natural": 2, "Manual": 2}
    assert "Natural: 2 of 100 cases" in loaded.differences


def test_the_published_numbers() -> None:
    assert LLMBAR.counts == dict(zip(SETS, (100, 134, 92, 47, 46), strict=True))
    assert sum(LLMBAR.counts.values()) == 419


# Zeng et al., table 2: accuracy and agreement of the five sets, their adversarial average, and their average.
@pytest.mark.parametrize(
    ("accuracy", "agreement"),
    [
        ((93.5, 64.2, 76.6, 76.6, 75.0, 73.1, 77.2), (97.0, 89.6, 90.2, 87.2, 89.1, 89.0, 90.6)),
        ((95.5, 78.7, 86.4, 77.7, 80.4, 80.8, 83.7), (95.0, 93.3, 94.6, 93.6, 82.6, 91.0, 91.8)),
        ((96.0, 85.4, 89.7, 72.3, 83.7, 82.8, 85.4), (96.0, 94.8, 90.2, 83.0, 84.8, 88.2, 89.8)),
    ],
)
def test_averages_of_the_paper(accuracy: tuple[float, ...], agreement: tuple[float, ...]) -> None:
    assert LLMBAR.pairs
    answers = [
        answer for name, *shares in zip(SETS, accuracy, agreement, strict=False) for answer in said(name, *shares)
    ]
    scores = LLMBAR.pairs.readings["official"](answers)
    found = {name: round(100 * (value or 0), 1) for name, value in scores.parts.items()}
    assert [found[name] for name in (*SETS, "Adversarial")] == list(accuracy[:6])
    assert round(100 * (scores.overall or 0), 1) == accuracy[6]
    assert [found[f"agreement/{name}"] for name in (*SETS, "Adversarial")] == list(agreement[:6])
    assert found["agreement"] == agreement[6]


def said(name: str, accuracy: float, agreement: float) -> list[Compared]:
    """Return answers to a whole set with about these shares, in percent."""
    count = LLMBAR.counts[name]
    differ = count - round(agreement / 100 * count)
    right = round(accuracy / 100 * 2 * count) - differ
    assert right % 2 == 0
    letters = ["yn"] * differ + ["yy"] * (right // 2) + ["nn"] * (count - differ - right // 2)
    return [compared(one(name, number), one_said) for number, one_said in enumerate(letters)]


@pytest.mark.parametrize(
    ("orders", "accuracy", "agrees", "agrees_strictly"),
    [
        ("yy", 1, 1, 1),
        ("nn", 0, 1, 1),
        ("yn", 0.5, 0, 0),
        ("yf", 0.5, 0, 0),
        ("ty", 0.5, 0, 0),
        ("ff", 0, 1, 0),
        ("tf", 0, 1, 0),
        ("tt", 0, 1, 0),
        ("nt", 0, 0, 0),
    ],
)
def test_both_orders(orders: str, accuracy: float, agrees: float, agrees_strictly: float) -> None:
    assert LLMBAR.pairs
    assert LLMBAR.pairs.orders == "both"
    answer = compared(one(), orders)
    official, strict = (LLMBAR.pairs.readings[name]([answer]).parts for name in ("official", "strict"))
    assert (official["Natural"], official["agreement/Natural"]) == (accuracy, agrees)
    assert (strict["Natural"], strict["agreement/Natural"]) == (accuracy, agrees_strictly)


@pytest.mark.parametrize(
    ("scores", "official", "agrees", "strict"),
    [((2, 1), 1, 1, 1), ((1, 2), 0, 1, 0), ((1, 1), 0.5, 0, 0), ((None, 1), 0.5, 0, 0), ((1, None), 0.5, 0, 0)],
)
def test_ratings(scores: tuple[float | None, float | None], official: float, agrees: float, strict: float) -> None:
    assert LLMBAR.scores
    answer = rated(one(), *scores)
    parts = LLMBAR.scores.readings["official"]([answer]).parts
    assert (parts["Natural"], parts["agreement/Natural"]) == (official, agrees)
    assert LLMBAR.scores.readings["strict"]([answer]).parts["Natural"] == strict


def test_an_average_needs_all_sets() -> None:
    assert LLMBAR.pairs
    scores = LLMBAR.pairs.readings["official"]([compared(one(), "yy")])
    assert (scores.overall, scores.parts["Adversarial"], scores.parts["Manual"]) == (None, None, None)


def test_real_rows(shared_data: Callable[[str], Path]) -> None:
    found = file_cases(LLMBAR, shared_data("llmbar.jsonl"))
    assert Counter(case.subset for case in found) == dict(zip(SETS, (33, 48, 38, 16, 19), strict=True))
    assert all(case.group != case.id for case in found)
    with pytest.raises(RowError, match="field 'domain' is 'processed-mtbench'"):
        file_cases(LLMBAR, shared_data("llmbar_extra.jsonl"))
