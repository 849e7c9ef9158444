"""Python that is started in a checkout finds the rooms, whatever is installed."""

import subprocess
import sys
from pathlib import Path


def test_a_checkout_is_importable_without_being_installed(repository: Path, tmp_path: Path) -> None:
    copy = tmp_path / "checkout"
    copy.mkdir()
    for folder in ("openrubrics", "signatures", "cli"):
        (copy / folder).symlink_to(repository / folder)
    code = (
        "import sys; sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]\n"
        "import openrubrics.cli.main, openrubrics.signatures.values as values; print(values.__file__)"
    )
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)  # noqa: S603
    assert run.returncode == 0, run.stderr
    assert Path(run.stdout.strip()) == copy / "signatures" / "values.py"


def test_the_package_is_a_program(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "openrubrics", "--version"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S603
    assert run.stdout.startswith("openrubrics, version ")
