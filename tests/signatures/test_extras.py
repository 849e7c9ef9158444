"""A missing optional dependency is an error that names the extra; a broken one stays what it is."""

from pathlib import Path

import pytest

from openrubrics.signatures.errors import MissingExtraError
from openrubrics.signatures.extras import require


def test_a_module_that_is_there_is_fine() -> None:
    require("json.decoder", "train")


def test_a_missing_module_names_the_extra() -> None:
    with pytest.raises(MissingExtraError, match=r"no_such_module is not installed .*openrubrics\[train\]") as caught:
        require("no_such_module", "train")
    assert isinstance(caught.value, ImportError)


def test_a_missing_dependency_of_the_module_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_installed.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError, match="no_such_dependency is not installed"):
        require("half_installed", "train")


def test_a_module_that_breaks_on_import_is_not_called_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_build.py").write_text("raise ImportError('undefined symbol')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match="undefined symbol") as caught:
        require("broken_build", "train")
    assert not isinstance(caught.value, MissingExtraError)
