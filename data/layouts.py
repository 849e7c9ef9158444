"""The layouts that preference data comes in, told by their columns, and how a row of each becomes one of our values."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from openrubrics.data.fields import response_text, shown
from openrubrics.data.pairs import CANDIDATES, PAIRS, QUESTIONS, RANKINGS, RESPONSES, Candidates, Question
from openrubrics.data.rows import PassedOver, Place, Read, RowError
from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.values import PreferencePair, RankedResponses

Take = Literal["extremes", "all"]
"""What is taken of a scored list: the best and the worst response, or one of every score, best first."""

Value = PreferencePair | RankedResponses | Candidates | Question

_PROMPT = ("prompt", "instruction", "question", "context", "query")
_COMMON = {name: (name,) for name in ("id", "domain", "source", "meta")}
_TURN = "\n\nAssistant:"
_FIRST = {"a", "1", "responsea", "response1", "modela", "model1"}
_SECOND = {"b", "2", "responseb", "response2", "modelb", "model2"}
_SIGNED = {
    **dict.fromkeys(("a>b", "a>>b", "b<a", "b<<a"), "a"),
    **dict.fromkeys(("b>a", "b>>a", "a<b", "a<<b"), "b"),
    **dict.fromkeys(("a=b", "b=a"), "tie"),
}
_NEITHER = {"tie", "tiebothbad", "both", "bothbad", "neither", "equal", "same"}


@dataclass(frozen=True)
class Fields:
    """The values of a row by field, and the columns they come from.

    Attributes:
        values: What the row holds.
        names: Column of each field.
        place: Where the row is.
        take: What to take of scored lists.
    """

    values: Mapping[str, object]
    names: Mapping[str, str]
    place: Place
    take: Take

    def common(self) -> dict[str, object]:
        """Return the fields that every value has, as far as the row has them."""
        return {name: self.values[name] for name in (*_COMMON, "prompt") if name in self.values}

    def bad(self, field: str, value: object, expected: str, index: int | None = None) -> RowError:
        """Return the error for a field that holds something else."""
        name = f"'{self.names.get(field, field)}'" + ("" if index is None else f" ({index + 1})")
        message = f"{self.place}: field {name} is {shown(value)}; expected {expected}"
        return RowError(message, reason=f"field '{self.names.get(field, field)}' is not as expected")


Made = Read[PreferencePair] | Read[RankedResponses] | Read[Candidates] | Read[Question] | PassedOver
"""What a row becomes."""

Convert = Callable[[Fields], Made]


@dataclass(frozen=True)
class Layout:
    """How rows of one kind are laid out.

    Attributes:
        name: What it is called in options and messages.
        columns: For each field, the columns it may come from, the first that is there.
        required: Fields without which a row is not of this layout.
        convert: Makes a value of the fields.
        says: What it is, in a line.
        strict: Whether columns that it does not know are refused where the layout was not named.
    """

    name: str
    columns: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    convert: Convert
    says: str
    strict: bool = False

    def bind(self, row: Mapping[str, object], mapping: Mapping[str, str]) -> dict[str, str]:
        """Return the column of each field that the row has."""
        bound = {field: mapping[field] for field in self.columns if field in mapping}
        for field, columns in self.columns.items():
            found = next((column for column in columns if column in row), None)
            if field not in bound and found is not None:
                bound[field] = found
        return bound

    def fits(self, row: Mapping[str, object], mapping: Mapping[str, str]) -> bool:
        """Tell whether a row has the columns of this layout."""
        return set(self.required) <= set(self.bind(row, mapping))

    def read(
        self, row: Mapping[str, object], place: Place, mapping: Mapping[str, str], *, strict: bool, take: Take
    ) -> Made:
        """Return the value of a row.

        Raises:
            RowError: A column is missing, unknown or not what it should be.
        """
        names = self.bind(row, mapping)
        if strict and self.strict:
            self._refuse_unknown(row, place, names)
        found: dict[str, object] = {}
        for field, column in names.items():
            value = at_path(row, column)
            if value is not None or column in row:
                found[field] = _plain(value)
        if names.get("prompt") == "instruction":
            found["prompt"] = _with_input(found.get("prompt"), row.get("input"))
        for field in self.required:
            if field not in found:
                column = mapping.get(field, self.columns[field][0])
                problem = f"field '{column}' is missing"
                raise RowError(f"{place}: {problem}; expected {_EXPECTED.get(field, 'a value')}", reason=problem)
        return self.convert(Fields(found, names, place, take))

    def _refuse_unknown(self, row: Mapping[str, object], place: Place, names: Mapping[str, str]) -> None:
        known = {*self.columns, *(column.split(".")[0] for column in names.values())}
        known |= {"input"} if names.get("prompt") == "instruction" else set()
        for column in row:
            if column not in known:
                problem = f"field {shown(column)} is unknown"
                message = f"{place}: {problem}; expected {', '.join(self.columns)}"
                hint = f"put it under 'meta', or name the layout, {self.name}, to pass other columns over"
                raise RowError(message, hint, problem)


def at_path(value: object, path: str) -> object:
    """Return what lies at a dotted path, in a list that of each item; None where nothing is.

    A column whose own name has dots is found by that name.
    """
    if isinstance(value, Mapping) and path in value:
        return value[path]
    first, _, rest = path.partition(".")
    if isinstance(value, list):
        return [at_path(item, path) for item in value]
    if not isinstance(value, Mapping) or first not in value or not rest:
        return None
    return at_path(value[first], rest)


def check_mapping(mapping: Mapping[str, str], layouts: Iterable[Layout]) -> None:
    """Refuse a column mapping for a field that none of the layouts has."""
    fields = sorted({field for layout in layouts for field in layout.columns})
    for field in mapping:
        if field not in fields:
            raise UsageError(f"no field {field!r} to map a column to", f"fields are {', '.join(fields)}")


def told_by_columns(
    row: Mapping[str, object], mapping: Mapping[str, str], place: Place, among: Collection[str]
) -> Layout:
    """Return the first layout whose columns the row has.

    Raises:
        RowError: It has those of none.
    """
    layouts = [LAYOUTS[name] for name in among]
    for layout in layouts:
        if layout.fits(row, mapping):
            return layout
    own = LAYOUTS["pairs"]
    if "pairs" in among and (set(row) <= set(own.columns) or {"chosen", "rejected"} & set(row)):
        return own  # a field is missing, and its reading will say which
    problem = f"no layout has the columns {', '.join(sorted(map(str, row)))}"
    needs = "; ".join(f"{layout.name}: {', '.join(layout.required)}" for layout in layouts)
    raise RowError(f"{place}: {problem}; expected {needs}", "map columns to fields with --map FIELD=COLUMN", problem)


def _plain(value: object) -> object:
    """Return messages without the empty extra keys that typed tables give them; anything else as it is."""
    if isinstance(value, list) and any(isinstance(item, dict) and "role" in item for item in value):
        return [_message(item) for item in value]
    return value


def _with_input(instruction: object, given: object) -> object:
    """Return an instruction with the input that it is about, where a column of that name has one, as Alpaca has it."""
    if isinstance(instruction, str) and isinstance(given, str) and given.strip():
        return f"{instruction}\n\n{given}"
    return instruction


def _message(item: object) -> object:
    if not isinstance(item, dict):
        return item
    return {key: value for key, value in item.items() if value is not None or key in {"role", "content"}}


def _pair(fields: Fields) -> Read[PreferencePair] | PassedOver:
    chosen, rejected = fields.values.get("chosen"), fields.values.get("rejected")
    row = fields.common() | {"chosen": chosen, "rejected": rejected}
    if row.get("prompt") is None:
        row |= _implicit(chosen, rejected, fields)
    return PAIRS.value(row, fields.place, fields.names)


def _implicit(chosen: object, rejected: object, fields: Fields) -> dict[str, object]:
    """Split the prompt off two conversations that begin with it; return nothing where they are plain responses."""
    if isinstance(chosen, str) and isinstance(rejected, str):
        prompt, turn, better = chosen.rpartition(_TURN)
        other, same, worse = rejected.rpartition(_TURN)
        if not turn and not same:
            return {}
        if (prompt, turn) != (other, same):
            raise _unequal(fields)
        return {"prompt": prompt + turn, "chosen": better.strip(), "rejected": worse.strip()}
    if not isinstance(chosen, list) or not isinstance(rejected, list) or len(chosen) < 2:
        return {}
    if chosen[:-1] != rejected[:-1]:
        raise _unequal(fields)
    prompt = chosen[:-1]
    first = prompt[0]
    alone = len(prompt) == 1 and isinstance(first, dict) and first.get("role") == "user"
    return {
        "prompt": first["content"] if alone and isinstance(first, dict) and "content" in first else prompt,
        "chosen": chosen[-1:],
        "rejected": rejected[-1:],
    }


def _unequal(fields: Fields) -> RowError:
    chosen, rejected = fields.names.get("chosen", "chosen"), fields.names.get("rejected", "rejected")
    problem = f"'{chosen}' and '{rejected}' differ before their last message"
    return RowError(
        f"{fields.place}: {problem}; expected one conversation with two last answers, or a field 'prompt'",
        reason=problem,
    )


def _responses(fields: Fields) -> list[str]:
    """Return the responses as texts."""
    listed = fields.values.get("responses")
    if not isinstance(listed, list):
        raise fields.bad("responses", listed, RESPONSES)
    texts: list[str] = []
    for index, item in enumerate(listed):
        text = response_text([_message(item)] if isinstance(item, dict) else item, fields.values.get("prompt"))
        if not isinstance(text, str):
            raise fields.bad("responses", item, "text, or messages that end with the assistant's", index)
        texts.append(text)
    return texts


def _numbers(fields: Fields, field: str, count: int) -> list[float]:
    """Return a list of finite numbers, as many as there are responses."""
    listed = fields.values.get(field)
    if not isinstance(listed, list) or len(listed) != count:
        raise fields.bad(field, listed, f"a list of {count} numbers, one for each response")
    for index, number in enumerate(listed):
        if isinstance(number, bool) or not isinstance(number, int | float) or not isfinite(number):
            raise fields.bad(field, number, "a number", index)
    return [float(number) for number in listed]


def _ranking(fields: Fields, responses: list[str], **meta: object) -> Read[RankedResponses]:
    row = fields.common() | {"responses": responses}
    if meta:
        given = row.get("meta")
        row["meta"] = {**(given if isinstance(given, dict) else {}), **meta}
    return RANKINGS.value(row, fields.place, fields.names)


def _ranked(fields: Fields) -> Read[RankedResponses] | PassedOver:
    responses = _responses(fields)
    if fields.values.get("ranks") is None:
        return _ranking(fields, responses)
    ranks = _numbers(fields, "ranks", len(responses))
    descending = strictly_descending(responses, [-rank for rank in ranks])
    return descending if isinstance(descending, PassedOver) else _ranking(fields, [text for text, _ in descending])


def _scored(fields: Fields) -> Read[RankedResponses] | PassedOver:
    responses = _responses(fields)
    if len(responses) < 2:
        raise fields.bad("responses", fields.values.get("responses"), RESPONSES)
    scores = _numbers(fields, "scores", len(responses))
    descending = strictly_descending(responses, scores)
    if isinstance(descending, PassedOver):
        return descending
    taken = descending if fields.take == "all" else [descending[0], descending[-1]]
    return _ranking(fields, [text for text, _ in taken], scores=[score for _, score in taken])


def strictly_descending(responses: list[str], scores: list[float]) -> list[tuple[str, float]] | PassedOver:
    """Return one response of every score, highest first: the first that has it, and no text twice.

    Where the highest and the lowest score are equal, or belong to the same text, there is no preference.
    """
    best_first = sorted(zip(responses, scores, strict=True), key=lambda pair: -pair[1])
    if best_first[0][1] == best_first[-1][1]:
        return PassedOver("all scores are equal")
    kept: list[tuple[str, float]] = []
    lowest = best_first[-1][1]
    worst = next(text for text, score in best_first if score == lowest)
    if worst == best_first[0][0]:
        return PassedOver("best and worst response are the same text")
    for text, score in best_first:
        if score == lowest:
            continue
        if (not kept or kept[-1][1] != score) and text != worst and all(text != other for other, _ in kept):
            kept.append((text, score))
    return [*kept, (worst, lowest)]


def _labelled(fields: Fields) -> Read[PreferencePair] | PassedOver:
    label = fields.values["winner"]
    if isinstance(label, float) and label.is_integer():
        label = int(label)  # a Parquet column of whole numbers that has nulls
    if type(label) is int and label == 0:
        name = fields.names["winner"]
        raise DataError(
            f"{fields.place}: field '{name}' is 0, which can mean the first response or a tie",
            "write A, B or tie, or map a signed strength with --layout preference --map preference=" + name,
        )
    text = "".join(str(label).casefold().split()) if isinstance(label, str | int) else ""
    word = _SIGNED.get(text) or "".join(filter(str.isalnum, text))
    if word in _NEITHER:
        return PassedOver("a tie")
    if word not in _FIRST | _SECOND:
        raise fields.bad("winner", label, "A, B, Response A, response_b, A>B, 1, 2 or the like, or tie")
    return _compared(fields, first=word in _FIRST)


def _preference(fields: Fields) -> Read[PreferencePair] | PassedOver:
    strength = fields.values["preference"]
    if isinstance(strength, bool) or not isinstance(strength, int | float) or not isfinite(strength):
        raise fields.bad("preference", strength, "a number: below 0 the first response is better, above 0 the second")
    if strength == 0:
        return PassedOver("a tie")
    return _compared(fields, first=strength < 0, strength=abs(strength))


def _compared(fields: Fields, *, first: bool, **meta: object) -> Read[PreferencePair]:
    sides = ("response_a", "response_b") if first else ("response_b", "response_a")
    row = fields.common() | {"chosen": fields.values.get(sides[0]), "rejected": fields.values.get(sides[1])}
    if meta:
        given = row.get("meta")
        row["meta"] = {**(given if isinstance(given, dict) else {}), **meta}
    names = {**fields.names, "chosen": fields.names[sides[0]], "rejected": fields.names[sides[1]]}
    return PAIRS.value(row, fields.place, names)


def _candidates(fields: Fields) -> Read[Candidates] | PassedOver:
    responses = list(dict.fromkeys(_responses(fields)))
    if len(responses) < 2:
        return PassedOver("fewer than two different responses")
    return CANDIDATES.value(fields.common() | {"responses": responses}, fields.place, fields.names)


def _question(fields: Fields) -> Read[Question]:
    return QUESTIONS.value(fields.common(), fields.place, fields.names)


_EXPECTED = {
    **PAIRS.expected,
    "responses": RESPONSES,
    "scores": "a list of numbers, one for each response",
    "response_a": PAIRS.expected["chosen"],
    "response_b": PAIRS.expected["chosen"],
    "winner": "A, B or tie",
    "preference": "a number: below 0 the first response is better, above 0 the second",
}

_SIDES = {
    "response_a": ("response_a", "response1", "response_1", "a"),
    "response_b": ("response_b", "response2", "response_2", "b"),
}

LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout(
            "pairs",
            {"id": ("id",), "prompt": _PROMPT, "chosen": ("chosen",), "rejected": ("rejected",), **_COMMON},
            ("chosen", "rejected"),
            _pair,
            "prompt (or instruction and input), chosen, rejected; text or messages; without prompt, both begin with it",
            strict=True,
        ),
        Layout(
            "openrubrics",
            {
                "prompt": ("instruction",),
                "response_a": ("response_a",),
                "response_b": ("response_b",),
                "winner": ("winner",),
                **_COMMON,
            },
            ("prompt", "response_a", "response_b", "winner"),
            _labelled,
            "instruction, response_a, response_b, winner; the columns of OpenRubrics",
        ),
        Layout(
            "labelled",
            {"prompt": _PROMPT, **_SIDES, "winner": ("winner", "label"), **_COMMON},
            ("prompt", "response_a", "response_b", "winner"),
            _labelled,
            "prompt, two responses, and winner or label: A, B or tie",
        ),
        Layout(
            "preference",
            {
                "prompt": _PROMPT,
                **_SIDES,
                "preference": ("preference", "overall_preference", "preference_strength"),
                **_COMMON,
            },
            ("prompt", "response_a", "response_b", "preference"),
            _preference,
            "prompt, two responses, and a signed strength: below 0 the first is better, above 0 the second",
        ),
        Layout(
            "scored",
            {"id": ("id",), "prompt": _PROMPT, "responses": ("responses",), "scores": ("scores",), **_COMMON},
            ("prompt", "responses", "scores"),
            _scored,
            "prompt, responses, scores; the highest and the lowest are taken, or one of every score",
            strict=True,
        ),
        Layout(
            "ranked",
            {"id": ("id",), "prompt": _PROMPT, "responses": ("responses",), "ranks": ("ranks",), **_COMMON},
            ("prompt", "responses"),
            _ranked,
            "prompt, responses best first, or with ranks (1 is best)",
            strict=True,
        ),
        Layout(
            "candidates",
            {"prompt": _PROMPT, "responses": ("responses",), **_COMMON},
            ("prompt", "responses"),
            _candidates,
            "prompt and responses in no order, to be ranked by reward models",
        ),
        Layout("questions", {"prompt": (*_PROMPT, "input"), **_COMMON}, ("prompt",), _question, "prompt alone"),
    )
}

PREFERENCES = ("pairs", "openrubrics", "labelled", "preference", "scored", "ranked")
"""Layouts that hold a preference, in the order in which they are tried."""
