"""What differs between two saved programs, or between one and the program as it is shipped."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from openrubrics.optimizers.card import Card, SplitScores, card_of
from openrubrics.optimizers.difference import Demonstrations, Difference, Fact, PredictorDifference, Scores
from openrubrics.optimizers.text_diff import changes
from openrubrics.programs import (
    ContrastiveRubricGenerator,
    ContrastiveRubricRM,
    GatekeeperJudge,
    Program,
    RubricGenerator,
    RubricRM,
)
from openrubrics.programs.artifact import SavedPredictor, SavedTask, judge_form, read_artifact, shown
from openrubrics.signatures import JudgeForm
from openrubrics.signatures.errors import DataError

SHIPPED = "as shipped"

_EXCERPT = 160

_PROGRAMS: Mapping[str, Callable[[JudgeForm], Program]] = {
    "RubricRM": lambda form: RubricRM(judge=GatekeeperJudge(form)),
    "ContrastiveRubricRM": lambda form: ContrastiveRubricRM(judge=GatekeeperJudge(form)),
    "GatekeeperJudge": GatekeeperJudge,
    "RubricGenerator": lambda form: RubricGenerator(),
    "ContrastiveRubricGenerator": lambda form: ContrastiveRubricGenerator(),
}


@dataclass(frozen=True)
class _Side:
    name: str
    manifest: Mapping[str, JsonValue]
    state: Mapping[str, SavedPredictor]
    card: Card | None = None
    problem: str = ""

    @property
    def fingerprint(self) -> str:
        return str(self.manifest.get("fingerprint"))

    def pairs(self, predictor: str) -> tuple[str, ...]:
        """Return the ids of the training pairs in a predictor's demonstrations, as far as the card has them."""
        demos = self.card.demos if self.card else ()
        return tuple(name for one in demos if one.predictor == predictor for name in one.pairs)

    def scores(self, split: str) -> SplitScores | None:
        if self.card is None:
            return None
        return self.card.val if split == "validation" else self.card.test


def diff(a: Path, b: Path | None = None) -> Difference:
    """Return what differs from the first file to the second, or from the shipped program to the only one.

    Raises:
        DataError: A file is no saved program, or there is no shipped program of that name.
    """
    first = _read(a)
    if b is not None:
        return _difference(first, _read(b))
    shipped = _shipped(first.manifest)
    if shipped is None:
        name = first.manifest.get("program")
        raise DataError(f"{a}: there is no shipped program {shown(name)} to compare with", "name a second file")
    manifest: dict[str, JsonValue] = shipped.manifest()
    state = {
        name: SavedPredictor(signature=SavedTask(instructions=predictor.task.instructions), demos=[])
        for name, predictor in shipped.bound_predictors().items()
    }
    return _difference(_Side(f"{manifest['program']} {SHIPPED}", manifest, state), first)


def _read(path: Path) -> _Side:
    artifact = read_artifact(path)
    program, problem = _shipped(artifact.manifest), ""
    if program is not None:
        try:
            program.load(path)
        except DataError as error:
            problem = f"{error} - so it does not load into a {type(program).__name__} as it is shipped"
    return _Side(str(path), artifact.manifest, artifact.state, card_of(path, artifact), problem)


def _shipped(manifest: Mapping[str, JsonValue]) -> Program | None:
    """Return the uncompiled program of a manifest's name and form."""
    make = _PROGRAMS.get(str(manifest.get("program")))
    return make(judge_form(manifest) or "seed") if make else None


def _difference(before: _Side, after: _Side) -> Difference:
    predictors = tuple(_predictor(name, before, after) for name in before.state if name in after.state)
    only = [tuple(name for name in one.state if name not in other.state) for one, other in _both_ways(before, after)]
    unchanged = all(not (one.instructions_differ or one.demos.added or one.demos.removed) for one in predictors)
    return Difference(
        before=before.name,
        after=after.name,
        same=unchanged and not any(only),
        notes=tuple(_notes(before, after)),
        facts=tuple(_facts(before, after)),
        predictors=predictors,
        only_before=only[0],
        only_after=only[1],
        scores=tuple(_scores(before, after)),
    )


def _both_ways(before: _Side, after: _Side) -> tuple[tuple[_Side, _Side], tuple[_Side, _Side]]:
    return (before, after), (after, before)


def _notes(before: _Side, after: _Side) -> Iterator[str]:
    if before.manifest.get("program") != after.manifest.get("program"):
        yield "these are different programs: what has the same name is compared"
    elif before.manifest.get("contracts") != after.manifest.get("contracts"):
        yield "the judges have different forms of reply: each file loads only into a judge of its own form"
    for side in (before, after):
        if side.problem:
            yield side.problem
    if after.card is None or after.card.base == before.fingerprint:
        return
    if before.card and before.card.base == after.card.base:
        yield "both were compiled from the same program"
    else:
        yield f"{after.name} was compiled from the program {after.card.base}, which is not {before.name}"


def _facts(before: _Side, after: _Side) -> Iterator[Fact]:
    both = [dict(_about(side)) for side in (before, after)]
    for name in dict.fromkeys([*both[0], *both[1]]):
        values = [one.get(name, "") for one in both]
        if values[0] != values[1]:
            yield Fact(name=name, before=values[0], after=values[1])


def _about(side: _Side) -> Iterator[tuple[str, str]]:
    yield "program", str(side.manifest.get("program"))
    yield "fingerprint", side.fingerprint
    contracts = side.manifest.get("contracts")
    for name, contract in contracts.items() if isinstance(contracts, dict) else ():
        yield f"reply of {name}", str(contract)
    if (card := side.card) is None:
        return
    yield "optimizer", card.optimizer
    yield "options", json.dumps(dict(card.options), ensure_ascii=False) if card.options else ""
    yield "seed", str(card.seed)
    for name, model in card.lms.items():
        yield f"model of {name}", model
    yield "model that wrote instructions", card.reflection_lm or ""
    for name, value in card.metric.items():
        yield name.replace("_", " "), str(value)
    for split, size in card.sizes.items():
        yield f"{split} pairs", f"{size}, SHA-256 {card.data.get(split, 'unknown')[:12]}" if size else "none"


def _predictor(name: str, before: _Side, after: _Side) -> PredictorDifference:
    old, new = before.state[name], after.state[name]
    texts = old.signature.instructions, new.signature.instructions
    return PredictorDifference(
        name=name,
        instructions_differ=texts[0] != texts[1],
        changes=changes(*texts) if texts[0] != texts[1] else (),
        demos=_demonstrations(old, new, before.pairs(name), after.pairs(name)),
    )


def _demonstrations(
    old: SavedPredictor, new: SavedPredictor, pairs_before: tuple[str, ...], pairs_after: tuple[str, ...]
) -> Demonstrations:
    tables = [{_key(demo): demo for demo in one.demos} for one in (old, new)]
    counts = [Counter(_key(demo) for demo in one.demos) for one in (old, new)]
    return Demonstrations(
        kept=(counts[0] & counts[1]).total(),
        added=tuple(_excerpt(tables[1][key]) for key in (counts[1] - counts[0]).elements()),
        removed=tuple(_excerpt(tables[0][key]) for key in (counts[0] - counts[1]).elements()),
        pairs_before=pairs_before,
        pairs_after=pairs_after,
    )


def _key(demo: Mapping[str, JsonValue]) -> str:
    return json.dumps(demo, sort_keys=True)


def _excerpt(demo: Mapping[str, JsonValue]) -> str:
    line = " ".join(str(demo.get("prompt", "(no prompt)"))[: 4 * _EXCERPT].split())
    return line if len(line) <= _EXCERPT else line[: _EXCERPT - 3] + "..."


def _scores(before: _Side, after: _Side) -> Iterator[Scores]:
    compiled_from = after.card is not None and after.card.base == before.fingerprint
    for split, key in (("validation", "val"), ("test", "test")):
        old, new = before.scores(split), after.scores(split)
        if old is None and new is None:
            continue
        if compiled_from and new is not None:
            yield Scores(split=split, before=new.before, after=new.after, comparable=True, change=new.change)
            continue
        measured = [_measured(side.card, key) for side in (before, after)]
        yield Scores(
            split=split,
            before=old.after if old else None,
            after=new.after if new else None,
            comparable=measured[0] is not None and measured[0] == measured[1],
            change=None,
        )


def _measured(card: Card | None, split: str) -> tuple[object, ...] | None:
    """Return all but the prompts that the scores on a split depend on."""
    if card is None or split not in card.data:
        return None
    return card.target, card.data[split], card.metric.get("orders"), dict(card.lms), dict(card.sampling)
