"""Presets hold what was published, say where each value is from, and let values be changed by name."""

from typing import get_args

import pytest
from pydantic import JsonValue

from openrubrics.signatures.errors import UsageError
from openrubrics.train import Stage
from openrubrics.train.presets import PRESETS, SAMPLING, Preset, preset

STAGES: tuple[Stage, ...] = get_args(Stage)


def test_the_paper_s_values_are_those_of_table_7() -> None:
    rubric, judge = (preset("paper", stage) for stage in STAGES)
    assert (rubric.epochs, rubric.cutoff, rubric.global_batch, rubric.learning_rate) == (1, 3072, 128, 8e-6)
    assert (rubric.scheduler, rubric.warmup) == ("cosine", 0.05)
    assert (judge.epochs, judge.cutoff, judge.global_batch, judge.learning_rate) == (2, 6144, 64, 5e-6)


def test_what_was_not_published_is_not_said_to_be() -> None:
    published = {
        stage: {n for n, source in preset("paper", stage).sources.items() if source[0] == "p"} for stage in STAGES
    }
    assert published["rubric"] - published["judge"] == {"scheduler", "warmup"}
    assert published["judge"] == {"epochs", "cutoff", "global_batch", "learning_rate"}


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("stage", STAGES)
def test_every_value_has_a_source(name: str, stage: Stage) -> None:
    assert set(preset(name, stage).sources) == set(Preset.model_fields) - {"name", "sources"}


def test_sampling_is_that_of_table_8() -> None:
    assert SAMPLING["rubric"].model_dump() == {"temperature": 0.0, "top_p": 1.0, "top_k": 0, "max_tokens": 1024}
    assert SAMPLING["judge"].model_dump() == {"temperature": 0.7, "top_p": 1.0, "top_k": 0, "max_tokens": 4096}


def test_changed_values_are_named() -> None:
    changed = preset("paper", "rubric").changed({"learning_rate": 1e-4, "epochs": 2})
    assert (changed.learning_rate, changed.epochs, changed.cutoff) == (1e-4, 2, 3072)
    assert changed.name == "paper with learning_rate=0.0001, epochs=2"
    assert (changed.sources["epochs"], changed.sources["cutoff"]) == ("given", "published, Table 7")
    assert preset("paper", "rubric").changed({}) is preset("paper", "rubric")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lr": 1}, "a preset has no 'lr'"),
        ({"name": "mine"}, "a preset has no 'name'"),
        ({"epochs": 0}, "epochs cannot be 0"),
        ({"scheduler": "steps"}, "scheduler cannot be 'steps'"),
    ],
)
def test_impossible_changes_are_refused(changes: dict[str, JsonValue], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        preset("paper", "judge").changed(changes)


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no preset 'papers' .choose from paper, tiny"):
        preset("papers", "judge")
