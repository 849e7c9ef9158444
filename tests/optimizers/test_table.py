"""What is missing for an optimizer is said before anything is asked."""

import sys
from typing import Any

import pytest
from planted import splits

from openrubrics.lms import ScriptedLM, lm
from openrubrics.optimizers import OPTIMIZERS
from openrubrics.optimizers.search import Sizes
from openrubrics.optimizers.table import check
from openrubrics.signatures import MissingExtraError, UsageError

PAIRS = splits().train


def checked(name: str, **changes: Any) -> None:  # noqa: ANN401 - arguments of several types
    silent = ScriptedLM([])
    given = {"demos": True, "train": PAIRS, "val": PAIRS, "lms": [silent]} | changes
    if "reflection_lm" not in given:
        given["reflection_lm"] = ScriptedLM([]) if OPTIMIZERS[name].needs_reflection else None
    assert check(name, **given) is OPTIMIZERS[name]


def test_the_table() -> None:
    assert {row.name: (row.needs_reflection, row.demos, row.selects_on, row.extra) for row in OPTIMIZERS.values()} == {
        "gepa": (True, "never", "val", None),
        "miprov2": (True, "optional", "val", "optimize"),
        "simba": (True, "optional", "train", None),
        "bootstrap-rs": (False, "always", "val", None),
        "copro": (True, "never", "train", None),
    }


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_nothing_is_missing(name: str) -> None:
    checked(name)
    if OPTIMIZERS[name].demos != "always":
        checked(name, demos=False)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("gppa", "did you mean gepa"), ("MIPROv2", "did you mean miprov2"), ("adam", "optimizers are gepa, miprov2")],
)
def test_an_unknown_name(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"there is no optimizer '{name}'") as caught:
        check(name, reflection_lm=None, demos=True, train=PAIRS, val=PAIRS)
    assert hint in caught.value.hint


@pytest.mark.parametrize("name", ["gepa", "miprov2", "simba", "copro"])
def test_a_reflection_lm_is_missing(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} needs a reflection LM") as caught:
        checked(name, reflection_lm=None)
    assert "--reflection-lm" in caught.value.hint


def test_a_reflection_lm_that_nobody_asks() -> None:
    with pytest.raises(UsageError, match="bootstrap-rs asks no reflection LM"):
        checked("bootstrap-rs", reflection_lm=ScriptedLM([]))


@pytest.mark.parametrize("name", ["gepa", "miprov2", "simba", "copro"])
def test_the_embedded_reader_writes_no_instructions(name: str) -> None:
    with pytest.raises(UsageError, match="cannot write instructions") as caught:
        checked(name, reflection_lm=lm("embedded"))
    assert "bootstrap-rs" in caught.value.hint


def test_simba_learns_nothing_from_an_lm_that_never_differs() -> None:
    embedded = lm("embedded")
    with pytest.raises(UsageError, match="simba learns from samples that differ"):
        checked("simba", lms=[embedded, embedded])
    checked("simba", lms=[embedded, ScriptedLM([])])
    checked("gepa", lms=[embedded])


def test_demonstrations_are_all_that_bootstrapping_adds() -> None:
    with pytest.raises(UsageError, match="does nothing but add demonstrations"):
        checked("bootstrap-rs", demos=False)


def test_optuna_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"optuna is not installed .*openrubrics\[optimize\]"):
        checked("miprov2")
    checked("gepa")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_too_few_pairs(name: str) -> None:
    train, val = OPTIMIZERS[name].least
    checked(name, train=PAIRS[:train], val=PAIRS[:val])
    with pytest.raises(UsageError, match=f"at least {train} training pairs, and there are {train - 1}"):
        checked(name, train=PAIRS[: train - 1])
    with pytest.raises(UsageError, match=f"at least {val} validation pairs, and there are {val - 1}"):
        checked(name, val=PAIRS[: val - 1])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_unknown_option_and_those_that_are_known(name: str) -> None:
    with pytest.raises(UsageError, match=f"magic is not an option of {name}") as caught:
        checked(name, options={"magic": 1})
    assert caught.value.hint == f"options of {name} are {', '.join(OPTIMIZERS[name].search.model_fields)}"


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("seed", "the seed of the run"),
        ("num_threads", "the concurrency of the run"),
        ("max_metric_calls", "the budget decides"),
        ("reflection_lm", "as the reflection LM"),
        ("task_model", "the program's own LMs"),
        ("valset", "an argument of the whole run"),
        ("metric", "an argument of the whole run"),
        ("log_dir", "the folder of the run"),
        ("max_labeled_demos", "a demonstration without a reply"),
    ],
)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_is_set_elsewhere(name: str, option: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"{option} is not an option") as caught:
        checked(name, options={option: 3})
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("gepa", "reflection_minibatch_size", 0),
        ("gepa", "reflection_minibatch_size", "3"),
        ("gepa", "use_merge", 1),
        ("gepa", "component_selector", "some"),
        ("miprov2", "num_candidates", 1),
        ("miprov2", "init_temperature", "hot"),
        ("simba", "bsize", True),
        ("simba", "max_steps", 1.5),
        ("bootstrap-rs", "num_candidate_programs", 0),
        ("copro", "breadth", 1),
        ("copro", "depth", [1]),
    ],
)
def test_a_value_that_cannot_be_used(name: str, option: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"option {option} of {name} cannot be"):
        checked(name, options={option: value})


@pytest.mark.parametrize(
    ("name", "sizes", "options", "runs"),
    [
        ("gepa", Sizes(100, 50, 2), {}, 2 * (50 + 6)),
        ("gepa", Sizes(4, 50, 2), {}, 2 * (50 + 4)),
        ("miprov2", Sizes(100, 50, 2), {}, 5 * 8 + 21 * 50),
        ("miprov2", Sizes(100, 50, 2, demos=False), {}, 5 * 6 + 11 * 50),
        ("miprov2", Sizes(100, 100, 2), {}, 5 * 8 + 20 * 35 + 5 * 100),
        ("miprov2", Sizes(100, 50, 2), {"num_trials": 3}, 5 * 8 + 4 * 50),
        ("simba", Sizes(100, 50, 2), {}, 4 * (6 + 4) + 2 * 100),
        ("simba", Sizes(100, 50, 2), {"bsize": 32}, 32 * (6 + 7) + 2 * 100),
        ("bootstrap-rs", Sizes(100, 50, 2), {}, 4 * 8 + 5 * 50),
        ("copro", Sizes(100, 50, 2), {}, 2 * 2 * 100),
        ("copro", Sizes(100, 50, 2), {"depth": 3}, 2 * 2 * 6 * 100),
    ],
)
def test_the_smallest_search(name: str, sizes: Sizes, options: dict[str, Any], runs: int) -> None:
    assert OPTIMIZERS[name].smallest(sizes, options) == runs
