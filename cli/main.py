"""The command line: commands are imported when they are called, errors become one line and an exit code."""

import errno
import importlib
import os
import sys
from collections.abc import Sequence

import click

from openrubrics import __version__

COMMANDS = {
    "quickstart": "Try it on built-in pairs: write rubrics, filter them, judge held-out pairs.",
    "rubric": "Write the rubric for a request, from ranked answers if there are any.",
    "judge": "Compare two answers to a request, with reasons.",
    "meta-rubric": "Print the document that adaptive criteria are made from, or check one of yours.",
    "curate": "Write rubrics from ranked answers, and keep those that reproduce the ranking.",
    "synthesize": "Make pairs that code has labelled: one response obeys every rule, the other not.",
    "evaluate": "Measure how often the judge agrees with labelled pairs.",
    "audit": "Find what moves a judge that should not: position, length, attacks, neutral edits.",
    "attribute": "Find which criteria of a rubric decide, agree with the labels, or say the same.",
    "rewards": "Find whether a policy can learn from rewards: spread, saturated groups, circles.",
    "report": "Write a page about finished runs: figures, plots, every case.",
    "optimize": "Search for prompts that agree with labelled pairs, and test them on others.",
    "refine": "Search for principles of a meta-rubric that agree with labelled pairs.",
    "diff": "Show what differs between two compiled programs or meta-rubrics, or from what is shipped.",
    "distill": "Train a rubric model or a judge of your own on what was curated.",
    "serve": "Serve a rubric model and a judge with vLLM.",
    "data": "List named sources of preference data; check, rank or extract rows.",
}

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Why a standard output that is a file takes no more."""


class LazyGroup(click.Group):
    """A group that imports a command only when it is used, so that help is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of a user's way through the project."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of this name."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        return getattr(importlib.import_module(f"openrubrics.cli.{name}"), name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="openrubrics")
def openrubrics() -> None:
    """Rubric-based reward modelling: rubrics from preferences, judgments with reasons.

    \b
    Example, offline and without any model:
      openrubrics quickstart
    Example, with a model of yours:
      openrubrics judge --lm hosted_vllm/Qwen/Qwen3-8B --api-base http://127.0.0.1:8000/v1 \\
        --prompt "Name a prime. Use one word." --a "Seven" --b "Seven is a prime."

    Exit codes: 0 done, 1 too many failures, 2 wrong usage, 3 wrong data, 4 the model cannot be reached or used, 130
    stopped by the user.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    try:
        code = openrubrics.main(args=arguments, prog_name="openrubrics", standalone_mode=False)
    except click.ClickException as error:
        sys.exit(_refuse(error))
    except (click.Abort, KeyboardInterrupt) as error:
        click.echo("stopped", err=True)
        _show_notes(error.__cause__ or error)
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - the outermost boundary; what is not ours is raised again
        sys.exit(_report(error))
    sys.exit(code if isinstance(code, int) else 0)


def _refuse(error: click.ClickException) -> int:
    """Print what click refuses as a line with its next step, and return the exit code."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if isinstance(error, click.exceptions.NoArgsIsHelpError) or context is None:
        error.show()
    else:
        click.echo(f"error: {error.format_message()}\n       {context.command_path} --help", err=True)
    return error.exit_code


def _report(error: Exception) -> int:
    """Print one of our errors as a line with its next step, and return its exit code; raise any other error."""
    if isinstance(error, OSError) and error.errno in _FULL:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that Python does not try once more when it ends
        click.echo(f"error: the output cannot be written: {error.strerror}", err=True)
        return 2
    from openrubrics.signatures.errors import OpenRubricsError

    if not isinstance(error, OpenRubricsError):
        raise error
    from openrubrics.cli.show import clean

    click.echo(f"error: {clean(error.message)}", err=True)
    if error.hint:
        click.echo(f"       {clean(error.hint)}", err=True)
    _show_notes(error)
    return error.exit_code


def _show_notes(error: BaseException) -> None:
    """Print what was done before an error, as `openrubrics.cli.progress` notes it."""
    for note in getattr(error, "__notes__", ()):
        click.echo(f"       {note}", err=True)
