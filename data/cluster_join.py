"""Which cluster calls are made on, and how this process joins it or starts one of its own."""

import importlib
import logging
import os
import re
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.extras import require

_OBJECT_STORE = 256 * 2**20
"""Bytes of shared memory of a cluster on this machine; only batches that are out are there."""

_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal", "RAY_ENABLE_AUTO_CONNECT": "0"}
"""Nothing is reported to anyone, little is written to the error output, and no cluster starts by itself."""

_SEVERAL_MACHINES = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Ray's switch for clusters of several machines; without it, every process listens on loopback only."""

_SECONDS = 10.0
"""Until the head node of a cluster must have answered."""

_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""What a client of HTTP/2 says first (RFC 9113, 3.4), with empty settings."""

_SETTINGS = 4
"""Kind of the frame that a server of HTTP/2 answers with."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ADDRESS = "is a head node running there (ray start --head), with the same versions of Ray and Python as here?"
_TOKEN = "set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or ~/.ray/auth_token as on the cluster's nodes"  # noqa: S105
_ELSEWHERE = "start the run on a machine of the cluster, or let this one join it (ray start --address HOST:PORT)"


@dataclass(frozen=True)
class Cluster:
    """Where calls are made.

    Attributes:
        workers: Processes that call; each takes one CPU of the cluster.
        address: ``HOST:PORT`` of a cluster's head node, or ``auto`` for the cluster that this machine belongs to; in
            both cases a node of the cluster runs on this machine. None starts a cluster on this machine, which listens
            on loopback only and ends with the run.

    Raises:
        UsageError: `workers` is below 1, or the address is one of Ray Client.
    """

    workers: int = 2
    address: str | None = None

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise UsageError(f"workers is {self.workers}, but at least one is needed")
        if self.address is not None and "://" in self.address:
            raise UsageError(
                f"{self.address!r} is no address of a head node",
                "start the run on a machine of the cluster, with HOST:PORT or auto",
            )


@contextmanager
def joined(cluster: Cluster) -> Iterator[None]:
    """Join the cluster, or start one, and leave it or stop it at the end; one that was joined before stays joined.

    Raises:
        UsageError: The cluster cannot be joined, or is too small.
        MissingExtraError: Ray is not installed.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    require("ray.data", "scale")
    import ray

    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if ray.is_initialized():
        _check_size(cluster)
        yield
        return
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        try:
            with _hushed():
                if cluster.address is None:
                    _start(cluster.workers, folder)
                else:
                    _join(cluster.address)
            # Ray prints the deaths of workers on standard output, where results belong.
            vars(importlib.import_module("ray._private.worker"))["_worker_logs_enabled"] = False
            _check_size(cluster)
            yield
        finally:
            ray.shutdown()


def _start(workers: int, folder: str) -> None:
    import ray

    _stay_on_loopback()
    ray.init(
        "local",
        num_cpus=workers,
        num_gpus=0,
        object_store_memory=_OBJECT_STORE,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.CRITICAL,
        _temp_dir=folder,
    )


def _join(address: str) -> None:
    import ray
    from ray.exceptions import AuthenticationError, RayError, RpcError

    cannot = f"the cluster at {address} cannot be joined"
    try:
        ray.init(_head(address), log_to_driver=False, logging_level=logging.CRITICAL)
    except AuthenticationError as error:
        raise UsageError(f"{cannot}: it asks for a token, which is missing or another", _TOKEN) from error
    except UsageError:
        raise
    except RpcError as error:
        raise UsageError(f"{cannot}: what listens there is not its head node", _ADDRESS) from error
    except (OSError, OverflowError, ValueError, RuntimeError, RayError) as error:
        raise UsageError(f"{cannot}: {reason(error.__cause__ or error)}", _ADDRESS) from error


def _head(address: str) -> str:
    """Return the address of the head node, once it has answered; Ray itself would ask for a quarter of an hour."""
    services = importlib.import_module("ray._private.services")
    authentication = importlib.import_module("ray._private.authentication.authentication_token_setup")
    given = services.get_ray_address_from_environment(address, None) if address == "auto" else address
    if _is_loopback(given):
        _stay_on_loopback()
    head: str = services.canonicalize_bootstrap_address(given)
    host, _, port = head.rpartition(":")
    here = _greet(host.strip("[]"), int(port))
    if address == "auto" or here:
        # A head node that is started where there is a token asks for it; Ray offers it without being told on auto only.
        authentication.maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
    importlib.import_module("ray._raylet").GcsClient(address=head)
    if not services.find_node_ids():
        raise UsageError(f"this machine does not belong to the cluster at {address}", _ELSEWHERE)
    return head


def _greet(host: str, port: int) -> bool:
    """Refuse an address where no server of Ray's kind listens; return whether it is on this machine."""
    with socket.create_connection((host, port), timeout=_SECONDS) as connection:
        here: bool = connection.getsockname()[0] == connection.getpeername()[0]
        if os.environ.get("RAY_USE_TLS", "0").lower() not in ("1", "true"):
            connection.sendall(_GREETING)
            answer = connection.recv(4)
            if len(answer) < 4 or answer[3] != _SETTINGS:
                raise ConnectionError("what listens there is not Ray")
    return here


def _stay_on_loopback() -> None:
    os.environ.setdefault(_SEVERAL_MACHINES, "0")
    if os.environ[_SEVERAL_MACHINES] == "0":  # Ray may have been imported before this was said
        vars(importlib.import_module("ray._private.ray_constants"))["ENABLE_RAY_CLUSTER"] = False


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    return host in ("localhost", "::1") or host.startswith("127.")


def _check_size(cluster: Cluster) -> None:
    import ray

    cpus = int(ray.cluster_resources().get("CPU", 0))
    if cpus < cluster.workers:
        raise UsageError(f"the cluster has {cpus} CPUs, but {cluster.workers} workers are asked for", "lower --workers")


def reason(error: BaseException) -> str:
    """Return what an error of Ray says first, or, where it quotes a traceback, last."""
    lines = [line.strip() for line in _COLOUR.sub("", str(error)).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    if "ray::" in lines[0] or any("Traceback (most recent call last):" in line for line in lines):
        return lines[-1]
    return " ".join(lines) if lines[0].endswith(":") else lines[0]


@contextmanager
def _hushed() -> Iterator[None]:
    """Drop what this process writes to its error output: Ray says there that it says less, and nothing stops that."""
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)
