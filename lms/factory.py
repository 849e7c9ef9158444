"""From the name of a model to a `dspy.LM`."""

import os
from urllib.parse import urlsplit

import dspy

from openrubrics.lms.http import OPENAI_COMPATIBLE, RETRIES, TIMEOUT, AsyncHttpEngine, Endpoint, HttpEngine
from openrubrics.lms.local import AsyncLocalEngine, Deterministic, LocalEngine
from openrubrics.lms.metering import Price
from openrubrics.lms.model import EngineLM
from openrubrics.lms.providers import ProviderLM
from openrubrics.signatures.errors import UsageError

EMBEDDED = "embedded"


def lm(
    name: str,
    *,
    api_base: str | None = None,
    api_key: str | None = None,
    timeout: float = TIMEOUT,
    retries: int = RETRIES,
    price: Price | None = None,
    cache: bool = False,
    **sampling: object,
) -> dspy.LM:
    """Return a language model by name.

    Args:
        name: ``hosted_vllm/MODEL`` or ``openai/MODEL`` for an OpenAI-compatible server at `api_base`; ``embedded`` for
            the offline reader, which is not a language model; any other name as LiteLLM knows it.
        api_base: URL of the server up to ``/v1``. For ``hosted_vllm/`` and ``openai/`` names the environment variable
            OPENRUBRICS_API_BASE is the default.
        api_key: Key for the server; likewise OPENRUBRICS_API_KEY.
        timeout: Seconds for one request.
        retries: How often a failed request is repeated, where that may help.
        price: What the model charges, to account for cost; None where unknown.
        cache: Whether an answer of an earlier call or run is reused for an equal request. The address of the server
            is part of what must be equal for ``hosted_vllm/`` and ``openai/`` names with an `api_base`; for other names
            DSPy's cache leaves it out, so two servers under one name would share answers there.
        sampling: Generation options by their names on the wire (`openrubrics.lms.options` lists them), and
            ``callbacks`` and ``rollout_id`` of `dspy.LM`. Nothing is sent that is not given.

    Raises:
        UsageError: There is no name, an option is unknown, or the server's address is missing.
    """
    if not name.strip():
        raise UsageError(
            "no language model is set",
            "name one with --lm, for example --lm hosted_vllm/Qwen/Qwen3-8B; --lm embedded is an offline try",
        )
    if name.endswith("/"):
        raise UsageError(f"{name!r} names a provider, but no model", f"write {name}MODEL")
    if name == EMBEDDED:
        return _embedded(cache, sampling)
    if name.startswith(OPENAI_COMPATIBLE):
        api_base = api_base or os.environ.get("OPENRUBRICS_API_BASE")
        api_key = api_key or os.environ.get("OPENRUBRICS_API_KEY")
        if api_base:
            endpoint = Endpoint(_checked(api_base), api_key, timeout, retries=retries, price=price)
            return _served(name, endpoint, cache, sampling)
        if name.startswith("hosted_vllm/"):
            raise UsageError(
                f"the address of the server for {name} is missing", "give --api-base or set OPENRUBRICS_API_BASE"
            )
    connection = {"api_base": api_base, "api_key": api_key}
    given = {key: value for key, value in connection.items() if value}
    return ProviderLM(name, price=price, timeout=timeout, num_retries=retries, cache=cache, **given, **sampling)


def _checked(api_base: str) -> str:
    parts = urlsplit(api_base)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise UsageError(f"api_base {api_base!r} is not a URL", "it looks like http://127.0.0.1:8000/v1")
    return api_base.rstrip("/")


def _served(name: str, endpoint: Endpoint, cache: bool, sampling: dict[str, object]) -> dspy.LM:
    engine, async_engine = HttpEngine(endpoint), AsyncHttpEngine(endpoint)
    return EngineLM(name, engine=engine, async_engine=async_engine, cache=cache, **sampling)


def _embedded(cache: bool, sampling: dict[str, object]) -> dspy.LM:
    from openrubrics.lms.embedded import NAME, EmbeddedEngine

    engine = LocalEngine(NAME, Deterministic(EmbeddedEngine()), Price(0, 0))
    return EngineLM(NAME, engine=engine, async_engine=AsyncLocalEngine(engine), cache=cache, **sampling)
