"""The names of language models, and what to say about one that means nothing."""

import difflib

EMBEDDED = "embedded"
OPENAI_COMPATIBLE = ("hosted_vllm/", "openai/")
LOCAL = "local/"

_KINDS = (
    "a name is hosted_vllm/MODEL or openai/MODEL for a server at --api-base, local/FOLDER for a checkpoint in this "
    "process, PROVIDER/MODEL for another provider that LiteLLM knows, or embedded for an offline try"
)


def name_hint(name: str) -> str:
    """Return what a name that nobody knows might have meant, and which names there are."""
    head, slash, model = name.partition("/")
    known = [prefix.rstrip("/") for prefix in (*OPENAI_COMPATIBLE, LOCAL)] if slash else [EMBEDDED]
    close = difflib.get_close_matches(head.lower(), known, n=1)
    return f"did you mean {close[0]}{slash}{model}? {_KINDS}" if close else _KINDS
