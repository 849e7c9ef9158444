"""Markdown for the cards of artifacts; names in it come from files and servers, and are shown as the text they are."""

from collections.abc import Iterable

_MEANS_SOMETHING = "\\|`*_[]<>&~$"


def table(header: tuple[str, ...], lines: Iterable[Iterable[object]]) -> str:
    """Return a table; the cells are Markdown."""
    rule = "|".join("---" for _ in header)
    return "\n".join(
        (f"| {' | '.join(header)} |", f"|{rule}|", *(f"| {' | '.join(map(str, line))} |" for line in lines))
    )


def plain(value: object) -> str:
    """Return a value as plain text on one line, whatever it holds."""
    text = " ".join(str(value).encode("utf-8", "replace").decode().split())
    shown = (c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return "".join(f"\\{c}" if c in _MEANS_SOMETHING else c for c in shown) or " "
