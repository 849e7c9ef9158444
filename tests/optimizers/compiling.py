"""Compilations in the planted world, small and in this process."""

from typing import Any

import dspy
from planted import PlantedWorld, splits

from openrubrics.lms import Budget, Price, ScriptedLM
from openrubrics.lms.scripted import Script
from openrubrics.optimizers import Compiled, compile  # noqa: A004 - DSPy's word for it
from openrubrics.programs import RubricRM

PAIRS = splits()
SMALL = PAIRS._replace(train=PAIRS.train[:12], val=PAIRS.val[:12], test=PAIRS.test[:12])

FEW = Budget(max_calls=200)
"""Enough for GEPA on the small splits."""

MANY = Budget(max_calls=2000)


def scripted(price: Price | None = None, script: Script | None = None) -> ScriptedLM:
    return ScriptedLM(script or PlantedWorld().script, model="planted", price=price)


def student(model: dspy.LM | None = None, **options: Any) -> RubricRM:  # noqa: ANN401
    program = RubricRM(**options)
    program.set_lm(model or scripted())
    return program


def compiled(program: Any = None, pairs: Any = SMALL, **options: Any) -> Compiled:  # noqa: ANN401
    """Compile, with GEPA unless the test says otherwise."""
    author = {} if options.get("optimizer") == "bootstrap-rs" else {"reflection_lm": scripted()}
    limit = FEW if options.get("optimizer", "gepa") == "gepa" else MANY
    options = {"limit": limit, "test": pairs.test, "concurrency": 2} | author | options
    return compile(program or student(), pairs.train, pairs.val, **options)


def counted(result: Compiled, *models: ScriptedLM) -> bool:
    """Whether the card counts as many requests as the models received."""
    return result.card.usage.calls == sum(len(model.requests) for model in models)
