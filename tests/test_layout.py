"""The layout holds, and each of its checks can fail."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import layout_checks
import pytest
from layout_checks import CHECKS, HEAVY, ROOMS, Check, bare_rooms, loaded_by

Tree = Callable[[dict[str, str]], Path]

PROJECT = """\
[tool.setuptools]
packages = ["openrubrics", {packages}]
[tool.setuptools.package-dir]
openrubrics = "openrubrics"
{folders}
[tool.pyright]
include = {rooms}
[tool.ruff.lint.flake8-tidy-imports.banned-api]
{banned}
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Make a small checkout in which everything is right, then write files over it."""

    def make(files: dict[str, str]) -> Path:
        for folder in ("openrubrics", *ROOMS):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "__init__.py").touch()
            (tmp_path / folder / "py.typed").touch()
        links = tmp_path / ".typecheck" / "openrubrics"
        links.mkdir(parents=True)
        for room in ROOMS:
            (links / room).symlink_to(f"../../{room}")
        (tmp_path / "pyproject.toml").write_text(project(ROOMS))
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return make


def project(rooms: tuple[str, ...]) -> str:
    return PROJECT.format(
        packages=", ".join(f'"openrubrics.{room}"' for room in rooms),
        folders="\n".join(f'"openrubrics.{room}" = "{room}"' for room in rooms),
        rooms=list(rooms),
        banned="\n".join(f'{room}.msg = "no"' for room in rooms),
    )


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_checkout_keeps_its_promises(check: Check, repository: Path) -> None:
    assert check(repository) == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_right_tree_has_no_problems(check: Check, tree: Tree) -> None:
    root = tree(
        {
            "signatures/adapter.py": "import dspy\nimport re\nclass A(dspy.ChatAdapter): ...\nre.compile('a')\n",
            "cli/main.py": "from openrubrics import __version__\nfrom openrubrics.signatures.values import Rubric\n",
            "train/sft.py": "def step(model):\n    model.eval()\n",
            "tests/test_a.py": "import dspy\ndspy.configure(lm=None)\n",
        }
    )
    assert check(root) == []


FAULTS = [
    ("layer_order", {"data/a.py": "import openrubrics.evaluation.metrics\n"}, "data/a.py:1: imports openrubrics.eval"),
    ("layer_order", {"lms/a.py": "from openrubrics.programs import RubricRM\n"}, "lms/a.py:1: imports openrubrics.p"),
    ("layer_order", {"lms/a.py": "from openrubrics import programs\n"}, "lms/a.py:1: imports openrubrics.programs"),
    ("layer_order", {"data/a.py": "from openrubrics import RubricRM\n"}, "data/a.py:1: imports openrubrics.RubricRM"),
    ("layer_order", {"data/a.py": "import openrubrics\n"}, "data/a.py:1: imports openrubrics"),
    (
        "layer_order",
        {"data/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from openrubrics.cli import main\n"},
        "data/a.py:3: imports openrubrics.cli.main",
    ),
    (
        "layer_order",
        {"verifiers/a.py": "def f():\n    from openrubrics.lms.factory import lm\n"},
        "verifiers/a.py:2: imports openrubrics.lms.factory.lm",
    ),
    ("signatures_are_bare", {"signatures/a.py": "import orjson\n"}, "signatures/a.py:1: imports orjson"),
    ("packaging", {"judges/a.py": ""}, "judges/ is not in packages"),
    ("packaging", {"judges/a.py": ""}, "judges/ is not in package-dir"),
    ("packaging", {"judges/a.py": ""}, "judges/ has no __init__.py"),
    ("packaging", {"judges/a.py": ""}, "judges/ has no py.typed"),
    ("packaging", {"judges/a.py": ""}, "judges/ has no link in .typecheck/openrubrics"),
    ("packaging", {"judges/a.py": ""}, "judges/ is not checked by pyright"),
    ("packaging", {"judges/a.py": ""}, "judges/ may be imported under its bare name"),
    ("packaging", {"judges/a.py": ""}, "judges/ has no place in the order of imports"),
    ("packaging", {"data/sources/__init__.py": ""}, "data/sources/ is not in packages"),
    ("packaging", {"pyproject.toml": project((*ROOMS, "old"))}, "openrubrics.old is listed, but there is no such"),
    ("adapter_stays_home", {"lms/a.py": "import dspy\nclass A(dspy.JSONAdapter): ...\n"}, "lms/a.py:2: touches"),
    ("adapter_stays_home", {"lms/a.py": "from dspy.adapters import chat\n"}, "lms/a.py:1: touches DSPy's adapters"),
    ("adapter_stays_home", {"lms/a.py": "from dspy import ChatAdapter as C\n"}, "lms/a.py:1: touches DSPy's ChatA"),
    ("adapter_stays_home", {"lms/a.py": "def _call_postprocess(): ...\n"}, "lms/a.py:1: touches DSPy's _call_post"),
    ("no_global_settings", {"lms/a.py": "import dspy\ndspy.configure(lm=1)\n"}, "lms/a.py:2: configures DSPy"),
    ("no_global_settings", {"lms/a.py": "import dspy\ndspy.settings.configure(lm=1)\n"}, "lms/a.py:2: configures"),
    ("no_text_is_run", {"lms/a.py": "x = eval('1')\n"}, "lms/a.py:1: calls eval"),
    ("no_text_is_run", {"lms/a.py": "exec('1')\n"}, "lms/a.py:1: calls exec"),
    ("no_text_is_run", {"lms/a.py": "def f():\n    import pickle\n"}, "lms/a.py:2: imports pickle"),
    ("no_text_is_run", {"lms/a.py": "from joblib import load\n"}, "lms/a.py:1: imports joblib.load"),
    ("sizes", {"lms/a.py": "x = 1\n" * 501}, "lms/a.py: 501 lines"),
    ("sizes", {"tests/a.py": "def f():\n" + "    x = 1\n" * 100}, "tests/a.py:1: f has 101 lines"),
]


@pytest.mark.parametrize(("check", "files", "problem"), FAULTS)
def test_a_planted_fault_is_found(check: str, files: dict[str, str], problem: str, tree: Tree) -> None:
    found = getattr(layout_checks, check)(tree(files))
    assert any(line.startswith(problem) for line in found), found


def test_a_link_to_another_folder_is_found(tree: Tree) -> None:
    root = tree({})
    link = root / ".typecheck" / "openrubrics" / "data"
    link.unlink()
    link.symlink_to("../../lms")
    assert layout_checks.packaging(root) == ["data/ has no link in .typecheck/openrubrics"]


def test_the_package_alone_loads_nothing(tmp_path: Path) -> None:
    assert loaded_by("import openrubrics", [*HEAVY, "dspy", "pydantic", "aiohttp"], tmp_path) == set()


def test_no_room_loads_a_heavy_package(tmp_path: Path) -> None:
    code = "\n".join(f"import openrubrics.{room}" for room in ROOMS)
    assert loaded_by(code, HEAVY, tmp_path) == set()


def test_a_heavy_import_is_found(tmp_path: Path) -> None:
    (tmp_path / "trl.py").touch()
    (tmp_path / "planted.py").write_text("import trl\n")
    assert loaded_by("import planted", HEAVY, tmp_path) == {"trl"}


def test_a_bare_import_is_found(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "__init__.py").touch()
    spec = importlib.util.spec_from_file_location("train", tmp_path / "train" / "__init__.py")
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    assert bare_rooms({"train": module}, tmp_path) == ["train"]
    assert bare_rooms({"openrubrics.train": module}, tmp_path) == []
    assert bare_rooms({"train": module}, tmp_path / "elsewhere") == []
    assert bare_rooms({"train": sys}, tmp_path) == []
