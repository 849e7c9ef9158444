"""vLLM processes that serve checkpoints."""

from openrubrics.lms.checkpoints import served_name
from openrubrics.serving.fleet import running, wait_for_failure
from openrubrics.serving.plan import ServerPlan, plan_servers
from openrubrics.serving.vllm import VLLMServer

__all__ = ["ServerPlan", "VLLMServer", "plan_servers", "running", "served_name", "wait_for_failure"]
