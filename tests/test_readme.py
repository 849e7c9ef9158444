"""README and guides say what is true: Python runs, commands, links and targets exist, the table of rooms is the tree.

Fixture `readme` is all of them in one text, the README first.
"""

import re
import shlex
from pathlib import Path

import click
import pytest

from openrubrics.cli.main import COMMANDS, main, openrubrics

Patch = pytest.MonkeyPatch
GUIDES = ("judging", "meta-rubrics", "data", "training", "evaluation", "embedded")
ROOMS = ("signatures", "verifiers", "lms", "programs", "data", "evaluation", "optimizers", "train", "serving", "cli")


@pytest.fixture
def pages(repository: Path) -> list[Path]:
    return [repository / "README.md", *(repository / "docs" / f"{name}.md" for name in GUIDES)]


@pytest.fixture
def readme(pages: list[Path]) -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)


def anchors(page: Path) -> set[str]:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_somewhere_and_every_guide_is_linked(pages: list[Path], repository: Path) -> None:
    assert {page.stem for page in repository.glob("docs/*")} == set(GUIDES)
    reached: set[Path] = set()
    for page in pages:
        for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            assert target.is_file(), f"{page.name}: {link}"
            assert not anchor or anchor in anchors(target), f"{page.name}: {link}"
            reached |= {target} if page == pages[0] else set()
    assert reached >= {page.resolve() for page in pages[1:]}


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_python_examples_run_and_prefer_the_response_without_commas(
    readme: str, capsys: pytest.CaptureFixture[str]
) -> None:
    example, evaluation, scoring, function, curation, reward = blocks(readme, "python")
    assert len(example.strip().splitlines()) <= 12
    scope: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), scope)  # noqa: S102 - our own README
    printed = capsys.readouterr().out
    assert "1. The response does not use any commas. [Hard Rule]" in printed
    assert "\n\nA\n\n" in printed
    exec(compile(evaluation, "README.md", "exec"), {})  # noqa: S102 - our own README
    assert capsys.readouterr().out == "1.0\n"
    exec(compile(scoring, "README.md", "exec"), {})  # noqa: S102 - our own README
    assert capsys.readouterr().out.strip() == scoring.rpartition("# ")[2].strip()
    exec(compile(function, "README.md", "exec"), {})  # noqa: S102 - our own README
    assert capsys.readouterr().out == "1.0\n"
    exec(compile(curation, "README.md", "exec"), {})  # noqa: S102 - our own README
    assert re.match(r"kept \d+ of 112\n\n1\. The response ", capsys.readouterr().out)
    exec(compile(reward, "README.md", "exec"), {})  # noqa: S102 - our own README
    assert capsys.readouterr().out.strip() == reward.rpartition("# ")[2].strip()


def test_every_command_and_option_of_the_readme_exists(readme: str) -> None:
    lines = "\n".join(blocks(readme, "bash")).replace("\\\n", " ").splitlines()
    calls = [line[line.index("openrubrics ") :] for line in lines if "openrubrics " in line]
    assert len(calls) >= 6
    for call in calls:
        words = shlex.split(call.partition(" -- ")[0])  # what comes after that is another program's
        command = openrubrics.get_command(None, words[1])  # type: ignore[arg-type] - our group does not look at it
        if isinstance(command, click.Group):
            command = command.commands.get(words[2])
        assert command is not None, call
        command = command.make_context(words[1], words[2:], resilient_parsing=True).command  # `refine` is two
        options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        unknown = [word for word in words if word.startswith("--") and word not in options]
        assert not unknown, f"{words[1]} has no {unknown}"


@pytest.mark.slow
def test_the_offline_commands_of_the_readme_run(
    readme: str, repository: Path, tmp_path: Path, monkeypatch: Patch
) -> None:
    (tmp_path / "data").symlink_to(repository / "data")
    monkeypatch.chdir(tmp_path)
    offline = [line for block in blocks(readme, "bash") for line in block.splitlines() if "--lm embedded" in line]
    assert [line.split()[1] for line in offline] == ["rubric", "judge", "curate", "evaluate", "optimize"]
    for line in offline:
        with pytest.raises(SystemExit) as done:
            main(shlex.split(line)[1:])
        assert done.value.code == 0, line
    for run in ("curated", "first"):
        assert (tmp_path / "runs" / run / "summary.json").exists()
    assert (tmp_path / "runs" / "offline" / "rubric-rm.json").exists()


def test_make_targets_of_the_readme_exist(readme: str, repository: Path) -> None:
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"`?make ([a-z-]+)", readme))
    assert {"quickstart", "test", "help"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_layout_table_lists_every_room_in_order(readme: str, repository: Path) -> None:
    listed = re.findall(r"^\| `(\w+)/` \| `openrubrics\.(\w+)`", readme, re.MULTILINE)
    assert all(folder == name for folder, name in listed)
    assert [folder for folder, _ in listed] == list(ROOMS)
    assert set(ROOMS) == {path.parent.name for path in repository.glob("*/__init__.py")} - {"openrubrics"}


def test_every_command_has_a_file_and_stands_in_the_help(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    for command in COMMANDS:
        assert (repository / "cli" / (command.replace("-", "_") + ".py")).exists()
        assert re.search(rf"^  {command}  ", shown, re.MULTILINE), shown
