"""A checkpoint folder as a language model of this process, through `transformers` (extra: train).

It needs no server, and is slow: one request at a time, because answering several together changes how sums are rounded,
and so, now and then, the answer. Options mean what they mean for vLLM; one that cannot be kept to is refused.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Self

from dspy.lm15 import (
    ContextLengthError,
    InvalidRequestError,
    Message,
    Request,
    Response,
    UnsupportedFeatureError,
    Usage,
)

from openrubrics.lms.candidates import pending_samples
from openrubrics.lms.checkpoints import Checkpoint
from openrubrics.lms.metering import Price, record, reserve, usage_of
from openrubrics.lms.options import READ_BY_DSPY
from openrubrics.lms.wire import chat_messages, request_options
from openrubrics.signatures.extras import require

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_TEMPLATE_OPTIONS = "chat_template_kwargs"
_NEUTRAL = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": None, "repetition_penalty": 1.0}
"""What sampling options are where neither request nor checkpoint says anything, as in vLLM."""
_TAKEN = frozenset({_TEMPLATE_OPTIONS, "max_completion_tokens", "max_tokens", "seed", "stop", *_NEUTRAL})


def check_installed(checkpoint: Checkpoint) -> None:
    """Refuse a checkpoint that cannot be loaded for want of a package.

    Raises:
        MissingExtraError: A package is not installed.
    """
    for module in ("torch", "transformers", *(["peft"] if checkpoint.adapter else [])):
        require(module, "train")


@dataclass(frozen=True)
class _Loaded:
    """Weights, tokenizer and what ends a text."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    ends: frozenset[int]
    pad: int
    context: int


@dataclass(frozen=True)
class _Settings:
    """How to continue a prompt."""

    sampling: dict[str, Any]
    limit: int
    seed: int | None
    stop: tuple[str, ...]


class LocalModel:
    """The weights of a checkpoint, loaded when they are first needed, and one thread that works with them."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=checkpoint.name)

    def submit(self, request: Request, n: int, abandoned: threading.Event) -> Future[list[Response]]:
        """Answer with `n` samples as soon as it is this request's turn; give up early once it is `abandoned`."""
        return self._thread.submit(self._answer, request, n, abandoned)

    def _answer(self, request: Request, n: int, abandoned: threading.Event) -> list[Response]:
        options = request_options(request)
        if refused := sorted(set(options) - _TAKEN):
            what = f"a local checkpoint takes no {', '.join(refused)}"
            raise UnsupportedFeatureError(what, feature=refused[0])
        prompt = self._prompt(request, options.get(_TEMPLATE_OPTIONS))
        settings = self._settings(options, prompt.shape[1])
        distinct = n if settings.sampling["do_sample"] else 1
        sequences = self._continue(prompt, settings, distinct, abandoned)
        responses = [self._response(request.model, tokens, settings) for tokens in sequences]
        first, *others = responses
        usage = replace(first.usage, input_tokens=prompt.shape[1])
        # What is not sampled is the same each time, and costs nothing more.
        return [replace(first, usage=usage), *others, *(n - distinct) * [replace(first, usage=Usage())]]

    def _prompt(self, request: Request, template_options: object) -> torch.Tensor:
        import torch
        from jinja2 import TemplateError

        loaded = self._loaded
        given: dict[str, Any] = template_options if isinstance(template_options, dict) else {}
        try:
            text = loaded.tokenizer.apply_chat_template(
                chat_messages(request), tokenize=False, add_generation_prompt=True, **given
            )
        except (TemplateError, ValueError) as error:
            raise InvalidRequestError(f"the chat template refuses the messages: {error}") from error
        tokens: Any = loaded.tokenizer(str(text), add_special_tokens=False, verbose=False)["input_ids"]
        if len(tokens) >= loaded.context:
            what = f"the prompt has {len(tokens)} tokens, but the context of {self._checkpoint.name} {loaded.context}"
            raise ContextLengthError(what)
        return torch.tensor([tokens], device=loaded.model.device)

    def _settings(self, options: dict[str, Any], read: int) -> _Settings:
        room = self._loaded.context - read
        default = self._loaded.model.generation_config
        found = {name: options.get(name, getattr(default, name, None)) for name in _NEUTRAL}
        sampling = {name: _NEUTRAL[name] if value is None else value for name, value in found.items()}
        greedy = not sampling["temperature"]
        if greedy:
            sampling = {"repetition_penalty": sampling["repetition_penalty"]}
        elif sampling["top_k"] < 0:
            sampling["top_k"] = 0
        wanted = options.get("max_completion_tokens") or options.get("max_tokens") or default.max_new_tokens or room
        return _Settings(
            {"do_sample": not greedy, **sampling},
            min(wanted, room),
            options.get("seed"),
            tuple(options.get("stop", ())),
        )

    def _continue(
        self, prompt: torch.Tensor, settings: _Settings, n: int, abandoned: threading.Event
    ) -> list[list[int]]:
        """Return the new tokens of each sample, to the one that ends it."""
        import torch
        from transformers import GenerationConfig

        loaded = self._loaded
        config = GenerationConfig(
            **settings.sampling,
            max_new_tokens=settings.limit,
            num_return_sequences=n,
            eos_token_id=sorted(loaded.ends),
            pad_token_id=loaded.pad,
        )
        devices = [prompt.device] if prompt.device.type == "cuda" else []
        with torch.random.fork_rng(devices, enabled=settings.seed is not None), torch.inference_mode():
            if settings.seed is not None:
                torch.manual_seed(settings.seed)
            sequences = loaded.model.generate(  # pyright: ignore[reportCallIssue]
                prompt,
                attention_mask=torch.ones_like(prompt),
                generation_config=config,
                stopping_criteria=[self._stops_when(abandoned, prompt.shape[1], settings.stop)],
            )
        return [_until_end(row[prompt.shape[1] :].tolist(), loaded) for row in sequences]

    def _stops_when(self, abandoned: threading.Event, read: int, stop: tuple[str, ...]) -> Callable[..., torch.Tensor]:
        """Return the criterion of `transformers`: which samples end here. Its own for texts looks at the prompt too."""
        import torch

        width = max(map(len, stop), default=0) + 4  # a character may take four tokens

        def ends(row: torch.Tensor) -> bool:
            return abandoned.is_set() or any(text in self._text(row[read:][-width:].tolist()) for text in stop)

        def criterion(tokens: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
            return torch.tensor([ends(row) for row in tokens], device=tokens.device)

        return criterion

    def _text(self, tokens: list[int]) -> str:
        return str(self._loaded.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _response(self, model: str, tokens: list[int], settings: _Settings) -> Response:
        text = self._text(tokens)
        stops = [text.index(stop) for stop in settings.stop if stop in text]
        whole = bool(stops) or (bool(tokens) and tokens[-1] in self._loaded.ends)
        return Response(
            id=None,
            model=model,
            message=Message.assistant(text[: min(stops)] if stops else text),
            finish_reason="stop" if whole else "length",
            usage=Usage(output_tokens=len(tokens)),
        )

    @cached_property
    def _loaded(self) -> _Loaded:
        check_installed(self._checkpoint)
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        weights, adapter = self._checkpoint.weights, self._checkpoint.adapter
        tokenizer = AutoTokenizer.from_pretrained(weights)
        with _no_progress_bars():
            model: Any = AutoModelForCausalLM.from_pretrained(weights, dtype="auto")
            if adapter is not None:
                from peft import PeftModel

                # Not merged, as a server has it: merging rounds the weights.
                model = PeftModel.from_pretrained(model, str(adapter)).get_base_model()
        model = model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
        named = model.generation_config.eos_token_id
        ends = frozenset({tokenizer.eos_token_id, *(named if isinstance(named, list) else [named])} - {None})
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else min(ends)
        context = model.config.get_text_config().max_position_embeddings
        return _Loaded(model, tokenizer, ends, pad, context)


def _until_end(tokens: list[int], loaded: _Loaded) -> list[int]:
    """Return the tokens to the one that ends them, without what fills the rows of shorter samples."""
    end = next((i + 1 for i, token in enumerate(tokens) if token in loaded.ends), len(tokens))
    while end and tokens[end - 1] == loaded.pad and loaded.pad not in loaded.ends:
        end -= 1
    return tokens[:end]


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


@cache
def _local_model(checkpoint: Checkpoint) -> LocalModel:
    """Return the one copy of the weights in this process."""
    return LocalModel(checkpoint)


class _Engine:
    supports_response_schema = False
    supported_params = READ_BY_DSPY

    def __init__(self, checkpoint: Checkpoint, price: Price) -> None:
        self.checkpoint = checkpoint
        self.price = price

    @contextmanager
    def _asked(self, request: Request, n: int) -> Iterator[_Turn]:
        """Hand a request in and count it; it is given up where the block is left before there is an answer."""
        reserve(self.checkpoint.name, priced=True)
        turn = _Turn()
        try:
            turn.future = _local_model(self.checkpoint).submit(request, n, turn.abandoned)
            yield turn
        except BaseException:  # Ctrl-C and a cancelled task too
            turn.abandoned.set()
            turn.future.cancel()
            raise
        finally:
            record(usage_of(turn.read, turn.written, self.price))

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self


class _Turn:
    """A request on its way through the thread of the weights."""

    def __init__(self) -> None:
        self.future: Future[list[Response]] = Future()
        self.abandoned = threading.Event()
        self.read = self.written = 0

    def count(self, responses: list[Response]) -> list[Response]:
        """Note what the samples used, and return them."""
        self.read = sum(response.usage.input_tokens or 0 for response in responses)
        self.written = sum(response.usage.output_tokens or 0 for response in responses)
        return responses


class TransformersEngine(_Engine):
    """Answers `dspy.LM.__call__` from any thread; requests wait for their turn."""

    def complete(self, request: Request) -> Response:
        """Answer one request of DSPy."""
        pending = pending_samples(self, request)
        if ready := pending.take():
            return ready
        with self._asked(request, pending.missing) as turn:
            responses = turn.count(turn.future.result())
        return pending.add(responses)


class AsyncTransformersEngine(_Engine):
    """Answers `dspy.LM.acall`: the loop goes on while a request waits or is answered."""

    async def complete(self, request: Request) -> Response:
        """Answer one request of DSPy."""
        pending = pending_samples(self, request)
        if ready := pending.take():
            return ready
        with self._asked(request, pending.missing) as turn:
            responses = turn.count(await asyncio.wrap_future(turn.future))
        return pending.add(responses)
