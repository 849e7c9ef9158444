"""Preference data from any source: files, folders of shards, `datasets` on disk or on the hub, or a preset by name."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypedDict, Unpack, cast

from openrubrics.data.layouts import LAYOUTS, PREFERENCES, Layout, Take, Value, at_path, check_mapping, told_by_columns
from openrubrics.data.pairs import Candidates, Question
from openrubrics.data.presets import PRESETS, Preset
from openrubrics.data.rows import OnError, PassedOver, Place, Read, check_limit, values
from openrubrics.data.sources_open import Address, is_file_name, is_local, local_files, open_rows
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.values import PreferencePair, RankedResponses

_SAMPLE = (
    "sample several responses to each prompt, write rows of prompt and responses, and rank them with "
    "`openrubrics data rank --reward-model NAME`"
)


class Reading(TypedDict, total=False):
    """How to read a source; every key may be left out.

    Attributes:
        config: Configuration (subset) of a data set.
        split: Split of a data set; else ``train``, or the only one there is.
        streaming: Read a data set of the hub over the network row by row, instead of downloading it first.
        layout: How rows are laid out: a name of `openrubrics.data.layouts.LAYOUTS`, or of a preset, for copies of its
            data. Without it, the first row's columns tell.
        columns: Column of each field that has another name; dots lead into nested columns and through lists.
        take: What to take of a scored list: ``extremes`` (the default) or ``all``, one response of every score.
        on_error: ``stop`` (the default) at a bad row, or ``skip`` and count it.
        limit: Most values to read; None for all.
        skipped: Takes the number of left-out rows by reason: bad ones, and those without a preference, such as ties.
        leave_out: Says why a value is left out, None where it is not; see `openrubrics.data.overlap.LeaveOut`.
        on_repeat: ``refuse`` (the default) an id that comes twice, as a bad row, or ``keep`` both.
    """

    config: str | None
    split: str | None
    streaming: bool
    layout: str | None
    columns: Mapping[str, str]
    take: Take
    on_error: OnError
    limit: int | None
    skipped: Counter[str]
    leave_out: Callable[[Value], str | None]
    on_repeat: Literal["refuse", "keep"]


def read_ranked(source: str | Path, **reading: Unpack[Reading]) -> Iterator[RankedResponses]:
    """Read responses in order of preference, lazily; a pair is a ranking of two.

    A source is a file (``.jsonl``, ``.json`` and both with ``.gz``, ``.parquet``), a folder or pattern of such files, a
    folder that `datasets` wrote or that has a data card, a preset, or a data set of the hub as ``organisation/name``.
    What is on this machine comes before a preset, and a preset before the hub. Files are read a row at a time and
    Parquet a few rows at a time; a JSON array is read whole.

    Rows of prompt, chosen and rejected, of scored lists and of rankings may not have other columns, so that a misspelt
    field is seen, where they are JSON and the layout is not named.

    Args:
        source: What to read.
        **reading: See `Reading`.

    Raises:
        UsageError: An option does not fit, or the source has no preferences.
        DataError: The source does not exist or cannot be read, a row is not what it should be, an id comes twice, or
            no row can be used. Apart from a missing file this shows only when the iteration gets there.
    """
    return (as_ranking(value) for value in read(source, PREFERENCES, **reading))


def read_pairs(source: str | Path, **reading: Unpack[Reading]) -> Iterator[PreferencePair]:
    """Read preference pairs, lazily; of a longer ranking the best and the worst response.

    The plainest source is a JSON Lines file of objects with ``prompt`` (text, or a list of ``{role, content}``
    messages), ``chosen`` and ``rejected``, and optionally ``id``, ``domain``, ``source`` and ``meta``; null is as good
    as absent there. A row without an id gets one from its content, the same in every process. A response may be a list
    of messages, as TRL's files have it: the text of the last one, the assistant's, is taken.

    Args:
        source: What to read; see `read_ranked`.
        **reading: See `Reading`.

    Raises:
        UsageError: See `read_ranked`.
        DataError: See `read_ranked`.
    """
    return (best_and_worst(value) for value in read(source, PREFERENCES, **reading))


def read_candidates(source: str | Path, **reading: Unpack[Reading]) -> Iterator[Candidates]:
    """Read several responses to each prompt that are in no order yet, for `openrubrics.data.ensemble`.

    Raises:
        UsageError: See `read_ranked`.
        DataError: See `read_ranked`.
    """
    return (cast("Candidates", value) for value in read(source, ("candidates",), **reading))


def read_questions(source: str | Path, **reading: Unpack[Reading]) -> Iterator[Question]:
    """Read the prompts of a source, whatever else its rows hold.

    Raises:
        UsageError: See `read_ranked`.
        DataError: See `read_ranked`.
    """
    return (as_question(value) for value in read(source, ("questions", "pairs"), **reading))


def best_and_worst(value: Value) -> PreferencePair:
    """Return a pair as it is; of a ranking, the pair of its first and last response, with the id of the ranking."""
    if isinstance(value, PreferencePair):
        return value
    ranked = cast("RankedResponses", value)
    fields = ranked.model_dump(exclude={"prompt", "responses"})
    return PreferencePair(prompt=ranked.prompt, chosen=ranked.responses[0], rejected=ranked.responses[-1], **fields)


def source_files(source: str, split: str | None = None) -> list[Path] | None:
    """Return what a source reads on this machine: its files, or the folder of a data set; None for data of the hub.

    Raises:
        DataError: A folder or pattern has no data files.
    """
    if is_local(source):
        return local_files(source) or [Path(source)]
    preset = PRESETS.get(source)
    if preset and not preset.hub:
        return [Path(_preset_address(preset, Address(source, split=split)).source)]
    return None


def read(source: str | Path, layouts: tuple[str, ...], **reading: Unpack[Reading]) -> Iterator[Value]:
    """Read the values of a source whose rows have one of the layouts named."""
    check_limit(reading.get("limit"))
    plan = _plan(str(source), layouts, reading)
    return values(
        open_rows(plan.address),
        plan.convert,
        name=plan.address.source,
        limit=reading.get("limit"),
        on_error=reading.get("on_error", "stop"),
        skipped=reading.get("skipped", Counter()),
        leave_out=reading.get("leave_out"),
        repeated_ids=reading.get("on_repeat") == "keep",
    )


@dataclass
class _Plan:
    """Everything that is known about a source before its first row is read."""

    address: Address
    layouts: tuple[str, ...]
    columns: Mapping[str, str]
    take: Take
    layout: Layout | None
    preset: Preset | None
    named: bool

    def convert(self, row: dict[str, object], place: Place) -> Read[Value] | PassedOver:
        """Return the value of a row; the first row tells the layout where none was named."""
        preset = self.preset
        if preset and preset.part and not preset.takes(at_path(row, preset.part)):
            return PassedOver(f"other parts than {', '.join(sorted(preset.parts))}")
        layout = self.layout or told_by_columns(row, self.columns, place, self.layouts)
        strict = not self.named and place.unit != "row"
        made = layout.read(row, place, self.columns, strict=strict, take=self.take)
        found = cast("Read[Value] | PassedOver", made)
        self.layout = layout
        if isinstance(found, PassedOver) or preset is None:
            return found
        return Read(_as_of(found.value, preset), found.named)


def _plan(source: str, layouts: tuple[str, ...], reading: Reading) -> _Plan:
    local = is_local(source)
    wanted = reading.get("layout")
    own = None if local else PRESETS.get(source)
    if own is None and not local and "/" not in source and not is_file_name(source):
        raise UsageError(
            f"{source} does not exist",
            f"expected a file, a folder, a preset ({', '.join(PRESETS)}), or a data set of the hub, organisation/name",
        )
    preset = own if wanted is None or wanted in LAYOUTS else PRESETS.get(wanted)
    if wanted and not preset and wanted not in LAYOUTS:
        presets = ", ".join(PRESETS)
        raise UsageError(f"layout {wanted!r} is unknown", f"layouts are {', '.join(LAYOUTS)}; presets are {presets}")
    given = reading.get("columns", {})
    layout = _layout(wanted if wanted in LAYOUTS else preset.layout if preset else None, layouts)
    check_mapping(given, [layout] if layout else [LAYOUTS[known] for known in layouts])
    address = Address(source, reading.get("config"), reading.get("split"), reading.get("streaming", False))
    return _Plan(
        address=_preset_address(own, address) if own else address,
        layouts=layouts,
        columns={**(preset.columns if preset else {}), **given},
        take=reading.get("take", "extremes"),
        layout=layout,
        preset=preset,
        named=wanted is not None or bool(given) or (own is not None and bool(own.hub)),
    )


def _layout(name: str | None, allowed: tuple[str, ...]) -> Layout | None:
    """Return the layout to read; None where the columns have to tell."""
    if name is None or "questions" in allowed:
        return None
    if "candidates" in allowed:
        return LAYOUTS["candidates"]
    if name not in allowed:
        raise UsageError(f"rows of layout {name} hold no preference: {LAYOUTS[name].says}", _SAMPLE)
    return LAYOUTS[name]


def _preset_address(preset: Preset, address: Address) -> Address:
    """Return where a preset's data is."""
    split = address.split or preset.split
    if preset.hub:
        config = address.config or preset.config
        return replace(address, source=preset.hub, config=config, split=split, revision=preset.revision)
    if address.config:
        raise UsageError(f"{preset.name} has no configurations", "leave --config out")
    if split not in preset.splits:
        raise UsageError(f"{preset.name} has no split {split!r}", f"splits are {', '.join(preset.splits)}")
    return Address(preset.file(split))


def _as_of(value: Value, preset: Preset) -> Value:
    """Return a value with the preset's name as its source, where the row names none, and the preset's domain."""
    changes = {} if value.source else {"source": preset.name}
    if preset.domain:
        changes["domain"] = preset.domain
    return value.model_copy(update=changes) if changes else value


def as_question(value: Value) -> Question:
    """Return the prompt of a value alone."""
    if isinstance(value, Question):
        return value
    return Question(id=value.id, prompt=value.prompt, domain=value.domain, source=value.source, meta=value.meta)


def as_ranking(value: Value) -> RankedResponses:
    """Return a ranking as it is; a pair as a ranking of two."""
    return RankedResponses.of(value) if isinstance(value, PreferencePair) else cast("RankedResponses", value)
