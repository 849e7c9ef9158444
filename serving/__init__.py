"""vLLM processes that serve checkpoints."""

from openrubrics.serving.checkpoint import served_name
from openrubrics.serving.vllm import VLLMServer

__all__ = ["VLLMServer", "served_name"]
