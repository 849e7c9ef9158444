"""The life of a server process, with a stand-in for vLLM that is a real process too."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from vllm_stand_in import alive, bare_checkpoint, fake_interpreter, gone, processes

from openrubrics.serving import VLLMServer, wait_for_failure
from openrubrics.signatures.errors import LMError, MissingExtraError

Make = Callable[..., VLLMServer]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return bare_checkpoint(tmp_path / "judge")


@pytest.fixture
def fake_python(tmp_path: Path) -> Path:
    return fake_interpreter(tmp_path / "python")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "server.log"


@pytest.fixture
def make(checkpoint: Path, fake_python: Path, log: Path) -> Make:
    def server(mode: str, *flags: str, startup_timeout: float = 30, port: int = 0) -> VLLMServer:
        return VLLMServer(
            checkpoint,
            python=fake_python,
            flags=["--fake", mode, *flags],
            port=port,
            environment={"EXTRA": "yes"},
            startup_timeout=startup_timeout,
            stop_timeout=0.3 if mode == "stubborn" else 15,
            log=log,
        )

    return server


def test_is_ready_inside_the_block_and_gone_after_it(make: Make, checkpoint: Path, log: Path) -> None:
    with make("ready") as server:
        assert server.api_base == f"http://127.0.0.1:{server.port}/v1"
        assert urllib.request.urlopen(f"{server.url}/health").status == 200
        pids = processes(log)
        assert all(map(alive, pids))
    assert gone(pids)
    written = log.read_text()
    assert f"model {server.name} from {checkpoint}" in written
    assert "offline 1 extra yes" in written


def test_an_error_in_the_block_ends_the_server_too(make: Make, log: Path) -> None:
    with pytest.raises(RuntimeError, match="mine"), make("ready"):
        raise RuntimeError("mine")
    assert gone(processes(log))


def test_a_server_that_ignores_the_request_to_stop_is_killed(make: Make, log: Path) -> None:
    with make("stubborn"):
        pids = processes(log)
    assert gone(pids)


@pytest.mark.slow
def test_a_server_that_is_never_ready_is_stopped_and_reported(make: Make, log: Path) -> None:
    with (
        pytest.raises(LMError, match=r"not ready after 1.5 s(.|\n)*\| processes"),
        make("loading", startup_timeout=1.5),
    ):
        pass
    assert gone(processes(log))


@pytest.mark.slow
def test_an_interrupt_while_starting_leaves_no_process(checkpoint: Path, fake_python: Path, log: Path) -> None:
    program = (
        "from pathlib import Path; from openrubrics.serving import VLLMServer\n"
        f"with VLLMServer(Path({str(checkpoint)!r}), python={str(fake_python)!r}, flags=['--fake', 'loading'],"
        f" log=Path({str(log)!r})): pass"
    )
    starter = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE)  # noqa: S603
    deadline = time.monotonic() + 30
    while not (log.exists() and "processes" in log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    pids = processes(log)
    starter.send_signal(signal.SIGINT)
    _, errors = starter.communicate(timeout=30)
    assert b"KeyboardInterrupt" in errors
    assert gone(pids)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["ready", "stubborn"])
def test_nothing_is_left_when_this_process_is_killed(checkpoint: Path, fake_python: Path, log: Path, mode: str) -> None:
    program = (
        "import sys; from pathlib import Path; from openrubrics.serving import VLLMServer\n"
        f"with VLLMServer(Path({str(checkpoint)!r}), python={str(fake_python)!r}, flags=['--fake', {mode!r}],"
        f" stop_timeout=0.5, log=Path({str(log)!r})):\n"
        "    print('ready', flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"ready\n"
    pids = processes(log)
    assert all(map(alive, pids))
    owner.kill()
    owner.communicate()
    assert gone(pids)


def test_the_server_is_ended_also_where_its_guard_was_killed(make: Make, log: Path) -> None:
    with make("ready") as server:
        pids = processes(log)
        os.kill(os.getsid(pids[0]), signal.SIGKILL)
        with pytest.raises(LMError, match="exit code -9"):
            wait_for_failure([server])
        assert all(map(alive, pids))
    assert gone(pids)


@pytest.mark.slow
def test_the_exit_of_the_server_is_told_as_it_was(make: Make, log: Path) -> None:
    with make("ready") as server:
        os.kill(processes(log)[0], signal.SIGKILL)
        with pytest.raises(LMError, match=r"stopped while it served, with exit code -9, most likely: out of memory"):
            wait_for_failure([server])


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("ModuleNotFoundError: No module named 'torchvision'", "a module is missing"),
        ("OSError: [Errno 98] Address already in use", "port is in use"),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "out of memory"),
        ("ValueError: No available memory for the cache blocks.", "out of memory"),
        ("ValueError: Available memory is less than requested memory for kv (9 GiB)", "out of memory"),
        ("ValueError: 9.0 GiB KV cache is needed, which is larger than the available KV cache memory", "longer than"),
        ("ValueError: Model architectures ['X'] are not supported for now. " + "Supported" * 999, "architecture"),
        (
            "ValueError: max_model_len (9) is greater than the derived max_model_len (8)",
            "more than the checkpoint allows",
        ),
        ("api_server.py: error: unrecognized arguments: --nope", "does not know a flag"),
    ],
)
def test_a_server_that_dies_says_why(make: Make, text: str, cause: str) -> None:
    with pytest.raises(LMError) as caught, make("dies", "--text", text):
        pass
    message = str(caught.value)
    assert message.startswith("vLLM for judge-da57a3ca stopped with exit code 1")
    assert cause in message.splitlines()[0].partition(", most likely: ")[2]
    assert f"  | {text[:200]}" in message
    assert max(map(len, message.splitlines())) < 500
    assert caught.value.hint


def test_an_unknown_failure_names_no_cause_but_the_place_of_the_log(
    make: Make, checkpoint: Path, fake_python: Path, log: Path
) -> None:
    with pytest.raises(LMError, match=r"exit code 1\. The end of its log:\n(.|\n)*\| surprise") as caught:
        make("dies", "--text", "surprise").__enter__()
    assert caught.value.hint == f"all of it is in {log}"
    with pytest.raises(LMError, match=r"name a place for the log: --log-dir"):
        VLLMServer(checkpoint, python=fake_python, flags=["--fake", "dies", "--text", "surprise"]).__enter__()


def test_the_first_error_of_several_processes_is_named(make: Make) -> None:
    log = (
        "WARNING: this can cause errors like `OSError: too many files`\n"
        "(Worker pid=7) ERROR 11-22 06:48:09 [executor.py:10] ValueError: bad scale\n" + "  at work\n" * 30
    ) + "RuntimeError: Engine core initialization failed. See root cause above."
    with pytest.raises(LMError) as caught, make("dies", "--text", log):
        pass
    assert str(caught.value).startswith(
        "vLLM for judge-da57a3ca stopped with exit code 1 (ValueError: bad scale). The end of its log:\n"
    )


def test_a_refused_setting_is_quoted_from_pydantic_s_report(make: Make) -> None:
    text = "pydantic_core.ValidationError: 1 validation error for ModelConfig\n  Value error, bad length. See [x]"
    with pytest.raises(
        LMError, match=r"^vLLM for judge-[0-9a-f]{8} stopped with exit code 1 \(Value error, bad length"
    ):
        make("dies", "--text", text).__enter__()


def test_only_the_end_of_a_long_log_is_shown(make: Make) -> None:
    text = "\n".join(f"line {number}" for number in range(3000))
    with pytest.raises(LMError) as caught, make("dies", "--text", text):
        pass
    assert "| line 2999" in str(caught.value)
    assert len(str(caught.value).splitlines()) < 25


def test_a_port_in_use_is_reported_before_anything_starts(make: Make, log: Path) -> None:
    with make("ready") as first:
        log.unlink()
        with (
            pytest.raises(LMError, match=f"port {first.port} cannot be used on 127.0.0.1"),
            make("ready", port=first.port),
        ):
            pass
        assert not log.exists()


def test_a_missing_interpreter_names_the_extra(checkpoint: Path, tmp_path: Path) -> None:
    with (
        pytest.raises(MissingExtraError, match=r"nowhere: No such file .*openrubrics\[serve\]"),
        VLLMServer(checkpoint, python=tmp_path / "nowhere"),
    ):
        pass


def test_an_interpreter_without_vllm_names_the_extra(checkpoint: Path) -> None:
    with pytest.raises(MissingExtraError, match=r"openrubrics\[serve\]"), VLLMServer(checkpoint, python=sys.executable):
        pass


def test_folders_of_the_current_directory_do_not_hide_packages(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "vllm" / "entrypoints" / "openai" / "api_server.py"
    module.parent.mkdir(parents=True)
    module.write_text("raise SystemExit('not the real one')")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingExtraError), VLLMServer(checkpoint, python=sys.executable):
        pass
