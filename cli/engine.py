"""From options to the place where programs run."""

from openrubrics.cli.options import EngineOptions, LMOptions
from openrubrics.data import Cluster
from openrubrics.signatures.errors import UsageError


def cluster(engine: EngineOptions, lms: LMOptions) -> Cluster | None:
    """Return the cluster that is asked for; None where the program runs in this process.

    Raises:
        UsageError: Options do not fit together.
    """
    if engine.engine == "local":
        if engine.ray_address or engine.workers:
            raise UsageError("--ray-address and --workers are for a cluster", "add --engine ray, or leave them out")
        return None
    if lms.max_calls is not None:
        raise UsageError("--max-calls cannot be kept by a cluster", "limit --max-cost, or read fewer rows")
    return Cluster(workers=engine.workers or 2, address=engine.ray_address)
