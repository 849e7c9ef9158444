"""The best and the worst of several responses, as an ensemble of reward models ranks them.

OpenRubrics builds its science pairs so (v3, section 3): responses of several models, ranked by two reward models, best
against worst. How it combines their scores is not said; `Rule` names what is offered here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import isfinite
from pathlib import Path
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any, Literal

from pydantic import JsonValue

from openrubrics.data.layouts import Take, strictly_descending
from openrubrics.data.pairs import Candidates
from openrubrics.data.rows import PassedOver
from openrubrics.programs import Replies
from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.extras import require
from openrubrics.signatures.values import Prompt, RankedResponses, fingerprint, prompt_text

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Rule = Literal["z-score", "rank-sum"]
"""How the scores of several models become one: the mean over models of each score's distance from the mean of its
prompt, in standard deviations there; or the mean over models of the share of the other responses that it beats, a tie
being half a win."""

_WINDOW = 4
"""Batches of responses that are sorted by length together."""


@dataclass(frozen=True)
class _Model:
    """One reward model, ready to score."""

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    most_tokens: int
    pad: int | None


class RewardEnsemble:
    """Reward models that rank responses together.

    A reward model is any sequence classifier of `transformers` with one label whose tokenizer has a chat template; its
    score is the logit. All models are in memory at a time. Code that comes with a checkpoint is never run.

    Args:
        models: Names on the hub, or folders of checkpoints.
        rule: How their scores are combined; see `Rule`.
        device: Such as ``cuda`` or ``cpu``; else ``cuda`` where there is one.
        dtype: Such as ``bfloat16``; else that of the checkpoint.
        batch_size: Responses scored at a time.
        max_tokens: Longest conversation in tokens, where the model's own limit is too long for the machine. Nothing is
            ever cut: prompts with a longer conversation are left out and counted.

    Attributes:
        identity: What scores depend on besides prompt and response, as JSON, for an `openrubrics.data.Ledger`.

    Raises:
        UsageError: A model cannot be loaded, is no reward model, or is named twice; an argument is out of range; or
            there is no such device here.
        MissingExtraError: The ``train`` extra is not installed.
    """

    def __init__(
        self,
        models: Sequence[str | Path],
        *,
        rule: Rule = "z-score",
        device: str | None = None,
        dtype: str | None = None,
        batch_size: int = 8,
        max_tokens: int | None = None,
    ) -> None:
        if not models or len(set(map(str, models))) < len(models):
            raise UsageError("no reward model is named, or one twice", "name each model once")
        if batch_size < 1:
            raise UsageError(f"batch_size is {batch_size}, but at least one response must be scored at a time")
        if max_tokens is not None and max_tokens < 1:
            raise UsageError(f"max_tokens is {max_tokens}, but a conversation has at least one token")
        for module in ("torch", "transformers"):
            require(module, "train")
        import torch

        self._rule: Rule = rule
        self._batch_size = batch_size
        if dtype is not None and not isinstance(getattr(torch, dtype, None), torch.dtype):
            raise UsageError(f"dtype {dtype!r} is unknown", "such as bfloat16, float16 or float32")
        where = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._models = [_load(str(name), where, dtype, max_tokens) for name in models]
        self.identity: dict[str, JsonValue] = {
            "reward_models": {model.name: _weights(model) for model in self._models},
            "dtype": dtype,
        }

    def rank(
        self,
        candidates: Iterable[Candidates],
        *,
        take: Take = "extremes",
        skipped: Counter[str] | None = None,
        replies: Replies | None = None,
    ) -> Iterator[RankedResponses]:
        """Yield the responses to each prompt, best first.

        Args:
            candidates: May be lazy; a few batches are held.
            take: The best and the worst response, or one of every combined score.
            skipped: Takes the number of prompts without a result by reason: all scores equal, a conversation that is
                too long, one that a chat template refuses, a score that is not a number.
            replies: Keeps scores as they are made, such as an `openrubrics.data.Ledger`, so that a run that was stopped
                does not make them again, but for those of a few batches.

        Raises:
            UsageError: The device has too little memory.
        """
        skipped = Counter() if skipped is None else skipped
        rest = iter(candidates)
        while window := list(islice(rest, _WINDOW * self._batch_size)):
            scores = [self._kept(window, model, replies) for model in self._models]
            for item, by_model in zip(window, zip(*scores, strict=True), strict=True):
                ranked = self._ranked(item, by_model, take)
                if isinstance(ranked, PassedOver):
                    skipped[ranked.reason] += 1
                else:
                    yield ranked

    def scores(self, prompt: Prompt, responses: Sequence[str]) -> dict[str, list[float]]:
        """Return the scores of responses to one prompt by the name of the model.

        Raises:
            DataError: A conversation is too long, or a chat template refuses it.
        """
        item = Candidates(id="", prompt=prompt, responses=tuple(responses))
        found: dict[str, list[float]] = {}
        for model in self._models:
            (scores,) = self._by_model([item], model)
            if isinstance(scores, PassedOver):
                raise DataError(scores.reason)
            found[model.name] = scores
        return found

    def _ranked(
        self, item: Candidates, by_model: tuple[list[float] | PassedOver, ...], take: Take
    ) -> RankedResponses | PassedOver:
        scores: list[list[float]] = []
        for found in by_model:
            if isinstance(found, PassedOver):
                return found
            if not all(map(isfinite, found)):
                return PassedOver("a score is not a number")
            scores.append(found)
        descending = strictly_descending(list(item.responses), combined(scores, self._rule))
        if isinstance(descending, PassedOver):
            return descending
        taken = descending if take == "all" else [descending[0], descending[-1]]
        return RankedResponses(
            id=item.id,
            prompt=item.prompt,
            responses=tuple(text for text, _ in taken),
            domain=item.domain,
            source=item.source,
            meta={
                **item.meta,
                "scores": [score for _, score in taken],
                "reward_models": [model.name for model in self._models],
                "rule": self._rule,
            },
        )

    def _kept(
        self, items: Sequence[Candidates], model: _Model, replies: Replies | None
    ) -> list[list[float] | PassedOver]:
        """Return the scores of each item's responses from those that are kept; make and keep the others."""
        if replies is None:
            return self._by_model(items, model)
        keys = [
            fingerprint({"model": model.name, "prompt": prompt_text(item.prompt), "responses": [*item.responses]})
            for item in items
        ]
        kept = [replies.reply(key) for key in keys]
        made = iter(self._by_model([item for item, known in zip(items, kept, strict=True) if known is None], model))
        found = [next(made) if known is None else json.loads(known) for known in kept]
        replies.keep_replies(
            [
                (key, json.dumps(scores).encode())
                for key, known, scores in zip(keys, kept, found, strict=True)
                if known is None and not isinstance(scores, PassedOver)
            ]
        )
        return found

    def _by_model(self, items: Sequence[Candidates], model: _Model) -> list[list[float] | PassedOver]:
        """Return the scores of each item's responses, or why it has none."""
        encoded = [[_encode(item.prompt, text, model) for text in item.responses] for item in items]
        refused = [next((one for one in of_item if isinstance(one, PassedOver)), None) for of_item in encoded]
        places = [
            (index, place, tokens)
            for index, of_item in enumerate(encoded)
            if refused[index] is None
            for place, tokens in enumerate(of_item)
            if not isinstance(tokens, PassedOver)
        ]
        places.sort(key=lambda one: len(one[2]))
        found = [[0.0] * len(of_item) for of_item in encoded]
        step = self._batch_size if model.pad is not None else 1
        for start in range(0, len(places), step):
            batch = places[start : start + step]
            for (index, place, _), score in zip(batch, _logits([one[2] for one in batch], model), strict=True):
                found[index][place] = score
        return [why or scores for why, scores in zip(refused, found, strict=True)]


def combined(scores: Sequence[Sequence[float]], rule: Rule) -> list[float]:
    """Return one score for each response.

    Args:
        scores: For each model, the scores of the responses, all to one prompt.
        rule: See `Rule`.
    """
    of_one = _z_scores if rule == "z-score" else _wins
    return [fmean(column) for column in zip(*map(of_one, scores), strict=True)]


def _z_scores(scores: Sequence[float]) -> list[float]:
    mean, deviation = fmean(scores), pstdev(scores)
    return [(score - mean) / deviation if deviation else 0.0 for score in scores]


def _wins(scores: Sequence[float]) -> list[float]:
    beaten = [sum((other < score) + (other == score) / 2 for other in scores) - 0.5 for score in scores]  # not itself
    return [count / (len(scores) - 1) for count in beaten]


def _weights(model: _Model) -> JsonValue:
    """Return what tells the weights of a checkpoint from others of its name."""
    folder = Path(model.name)
    if not folder.is_dir():
        return getattr(model.model.config, "_commit_hash", None)
    return {file.name: file.stat().st_mtime_ns for file in sorted(folder.iterdir()) if file.is_file()}


def _load(name: str, device: str, dtype: str | None, max_tokens: int | None) -> _Model:
    from safetensors import SafetensorError
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        model, loading = AutoModelForSequenceClassification.from_pretrained(
            name, dtype=dtype or "auto", trust_remote_code=False, output_loading_info=True
        )
    except (OSError, ValueError, KeyError, AttributeError, SafetensorError) as error:
        cause = " ".join(str(error).split())[:300]
        raise UsageError(
            f"the reward model {name} cannot be loaded: {cause}", "name a checkpoint's folder, or one of the hub"
        ) from error
    _check(name, model.config.num_labels, loading, tokenizer)
    limits = [max_tokens, getattr(model.config, "max_position_embeddings", None), tokenizer.model_max_length]
    pad = model.config.pad_token_id
    if pad is None and tokenizer.pad_token_id is not None:
        pad = model.config.pad_token_id = tokenizer.pad_token_id
    try:
        model = model.to(device).eval()
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # AssertionError: PyTorch without CUDA
        cause = str(error).partition("\n")[0]
        raise UsageError(f"{name} cannot be put on the device {device}: {cause}", "name another device") from error
    return _Model(name, model, tokenizer, min(limit for limit in limits if limit), pad)


def _check(name: str, labels: int, loading: Mapping[str, Any], tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse what loads, but is no reward model."""
    hint = "a reward model is a sequence classifier with one label and a chat template"
    if labels != 1:
        raise UsageError(f"{name} has {labels} labels, so it gives no single score", hint)
    if loading["missing_keys"]:
        missing = ", ".join(sorted(loading["missing_keys"])[:3])
        raise UsageError(f"{name} has no trained weights for {missing}", hint)
    if not tokenizer.chat_template:
        raise UsageError(f"the tokenizer of {name} has no chat template", hint)


def _encode(prompt: Prompt, response: str, model: _Model) -> list[int] | PassedOver:
    """Return the tokens of a conversation that ends with the response."""
    from jinja2 import TemplateError

    asked = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else [turn.model_dump() for turn in prompt]
    try:
        text = model.tokenizer.apply_chat_template([*asked, {"role": "assistant", "content": response}], tokenize=False)
    except TemplateError as error:
        return PassedOver(f"the chat template of {model.name} refuses the conversation: {error}")
    begins = str(model.tokenizer.bos_token or "")
    whole = bool(begins) and str(text).startswith(begins)  # else the tokenizer adds what the template leaves out
    tokens: list[int] = model.tokenizer(str(text), add_special_tokens=not whole)["input_ids"]
    if len(tokens) > model.most_tokens:
        return PassedOver(f"longer than the {model.most_tokens} tokens that {model.name} takes")
    return tokens


def _logits(batch: Sequence[Sequence[int]], model: _Model) -> list[float]:
    """Return the score of each conversation; padding is on the right, where the model looks past it."""
    import torch

    longest = max(map(len, batch))
    pad = model.pad or 0
    tokens = torch.tensor([[*one, *[pad] * (longest - len(one))] for one in batch], device=model.model.device)
    mask = torch.tensor([[1] * len(one) + [0] * (longest - len(one)) for one in batch], device=model.model.device)
    try:
        with torch.inference_mode():
            logits = model.model(input_ids=tokens, attention_mask=mask).logits
    except torch.OutOfMemoryError as error:
        raise UsageError(
            f"{model.name} has too little memory for {len(batch)} conversations of up to {longest} tokens",
            "use a smaller batch size, or leave out longer conversations with a lower limit of tokens",
        ) from error
    return logits[:, 0].float().tolist()
