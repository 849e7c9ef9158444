"""Help: an example for every command, and nothing heavy behind it."""

import subprocess
import sys
from pathlib import Path

import pytest

from openrubrics import __version__
from openrubrics.cli.main import COMMANDS

SCRIPT = Path(sys.executable).with_name("openrubrics")
HEAVY = {"aiohttp", "dspy", "litellm", "pydantic", "rich", "torch"}
HELP = """\
import sys
from openrubrics.cli.main import main
try:
    main({arguments!r})
except SystemExit:
    print(*sorted(set(sys.modules) & {heavy!r}), file=sys.stderr)
"""


def script(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *arguments], cwd=cwd, capture_output=True, text=True, check=False)  # noqa: S603


def test_the_installed_script_shows_every_command_with_examples(tmp_path: Path) -> None:
    done = script("--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "openrubrics quickstart\n" in done.stdout
    assert all(f"  {command} " in done.stdout for command in COMMANDS)
    assert "Exit codes: 0 done, 1 too many failures, 2 wrong usage, 3 wrong data, 4" in " ".join(done.stdout.split())


def test_the_installed_script_tells_its_version(tmp_path: Path) -> None:
    assert script("--version", cwd=tmp_path).stdout.split()[-1] == __version__


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_loads_nothing_heavy(command: str, tmp_path: Path) -> None:
    code = HELP.format(arguments=[command, "--help"], heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S603
    assert f"Example:\n    openrubrics {command}" in done.stdout
    assert done.stderr.split() == []


def test_an_unknown_command_is_wrong_usage(tmp_path: Path) -> None:
    done = script("jugde", cwd=tmp_path)
    assert done.returncode == 2
    assert "No such command 'jugde'" in done.stderr
    assert "Traceback" not in done.stderr
