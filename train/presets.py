"""Hyperparameters of training, as data, each with where it comes from.

"Published" is Table 7 of OpenRubrics (arXiv 2510.07743, v3). The paper trained with LLaMA-Factory and does not say
whether it tuned all weights or adapters, on how many devices, or with which seeds.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from pydantic import ConfigDict, Field, JsonValue, ValidationError

from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.values import Frozen
from openrubrics.train.examples import Stage

Scheduler: TypeAlias = Literal["cosine", "linear", "constant", "constant_with_warmup"]


class Preset(Frozen):
    """Hyperparameters of one stage; the optimizer is AdamW.

    Attributes:
        name: What it is called; says which values were changed, where some were.
        epochs: Times that every record is seen, above 0; may be a fraction.
        cutoff: Most tokens of a record, prompt and completion together; longer ones are left out and counted.
        global_batch: Records of one step, over all devices and all accumulated parts.
        learning_rate: Highest learning rate.
        scheduler: How it falls after the warm-up.
        warmup: Share of the steps over which it rises from 0.
        weight_decay: Of AdamW.
        max_grad_norm: Gradients are scaled down to this norm.
        micro_batch: Most records at a time on one device, unless told otherwise.
        sources: Where the value of a field comes from.
    """

    name: str
    model_config = ConfigDict(allow_inf_nan=False)

    epochs: float = Field(gt=0)
    cutoff: int = Field(gt=0)
    global_batch: int = Field(gt=0)
    learning_rate: float = Field(gt=0)
    scheduler: Scheduler = "cosine"
    warmup: float = Field(default=0.05, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    max_grad_norm: float = Field(default=1.0, gt=0)
    micro_batch: int = Field(default=8, gt=0)
    sources: Mapping[str, str]

    def changed(self, changes: Mapping[str, JsonValue]) -> "Preset":
        """Return the preset with other values, whose name and sources say so.

        Raises:
            UsageError: There is no such field, or a value is out of range.
        """
        if not changes:
            return self
        known = [name for name in type(self).model_fields if name not in ("name", "sources")]
        for name in changes:
            if name not in known:
                raise UsageError(f"a preset has no {name!r}", f"it has {', '.join(known)}")
        named = ", ".join(f"{name}={value}" for name, value in changes.items())
        told = {"name": f"{self.name} with {named}", "sources": {**self.sources, **dict.fromkeys(changes, "given")}}
        try:
            return Preset.model_validate({**self.model_dump(), **changes, **told})
        except ValidationError as error:
            first = error.errors()[0]
            raise UsageError(f"{first['loc'][0]} cannot be {first['input']!r}: {first['msg']}") from error


class Sampling(Frozen):
    """How a served student is asked, where the request does not say (OpenRubrics v3, Table 8).

    Attributes:
        temperature: 0 is greedy.
        top_p: 1 keeps every token.
        top_k: 0 keeps every token; the paper writes -1, as vLLM may.
        max_tokens: Longest reply.
    """

    temperature: float
    top_p: float
    top_k: int
    max_tokens: int


SAMPLING: Mapping[Stage, Sampling] = {
    "rubric": Sampling(temperature=0.0, top_p=1.0, top_k=0, max_tokens=1024),
    "judge": Sampling(temperature=0.7, top_p=1.0, top_k=0, max_tokens=4096),
}

_PUBLISHED = dict.fromkeys(("epochs", "cutoff", "global_batch", "learning_rate"), "published, Table 7")
_OURS = {
    "weight_decay": "not published; our choice",
    "max_grad_norm": "not published; our choice",
    "micro_batch": "not published; our choice, no effect on what is learned",
}
_SMALL = "our choice, for a model of a few million weights on a CPU"
_TINY = dict.fromkeys(("epochs", "global_batch", "learning_rate", "scheduler", "warmup"), _SMALL) | _OURS

PRESETS: Mapping[str, Mapping[Stage, Preset]] = {
    "paper": {
        "rubric": Preset(
            name="paper",
            epochs=1,
            cutoff=3072,
            global_batch=128,
            learning_rate=8e-6,
            scheduler="cosine",
            warmup=0.05,
            sources=_PUBLISHED | dict.fromkeys(("scheduler", "warmup"), "published, Table 7") | _OURS,
        ),
        "judge": Preset(
            name="paper",
            epochs=2,
            cutoff=6144,
            global_batch=64,
            learning_rate=5e-6,
            scheduler="cosine",
            warmup=0.05,
            micro_batch=4,
            sources=_PUBLISHED
            | dict.fromkeys(("scheduler", "warmup"), 'not published (Table 7 has "/"); as for the rubric stage')
            | _OURS,
        ),
    },
    "tiny": {
        "rubric": Preset(
            name="tiny",
            epochs=10,
            cutoff=3072,
            global_batch=16,
            learning_rate=3e-3,
            sources=_TINY | {"cutoff": "published, Table 7"},
        ),
        "judge": Preset(
            name="tiny",
            epochs=10,
            cutoff=6144,
            global_batch=16,
            learning_rate=3e-3,
            sources=_TINY | {"cutoff": "published, Table 7"},
        ),
    },
}
"""By name and stage: what the paper trained with, and what a demonstration on a CPU takes."""


def preset(name: str, stage: Stage) -> Preset:
    """Return a preset by name.

    Raises:
        UsageError: There is none of this name.
    """
    if name not in PRESETS:
        raise UsageError(f"there is no preset {name!r}", f"choose from {', '.join(PRESETS)}")
    return PRESETS[name][stage]
