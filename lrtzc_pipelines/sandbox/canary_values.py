"""Which invented value stands for a cell: what a column's rule and its values ask for.

What may not go on as it is gets a value that can be recognised, of the shape that the
producer's own values have. Where a value says nothing by itself (a class, a code, a
small number) or goes on by design, there is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from lrtzc_pipelines.canaries import invented
from lrtzc_pipelines.canaries.invented import Draw, Invented
from lrtzc_pipelines.expectations.suites import Expectation
from lrtzc_pipelines.sources.columns import (
    Column,
    ColumnType,
    Generalize,
    GeneralizeText,
)
from lrtzc_pipelines.sources.protection import (
    AggregateProtection,
    CellProtection,
    MicrodataProtection,
)
from lrtzc_pipelines.sources.spec import SourceSpec

_NAMED: tuple[tuple[str, Callable[[Draw], Invented]], ...] = (
    (r"mail|^contact_", invented.mail),
    (r"tele?phone", invented.phone),
    (r"name|owner|manager|nom_|gerant", invented.named),
    (r"address|adresse|street", invented.address),
    (r"(?:^|_)(?:id|code|number|siren|siret)$", invented.identifier),
)
"""What a text is by the name of its column; the first that fits."""

_UNDECLARED = re.compile(r"mail|contact|tele?phone|adresse|_l(?:at|on)$")
"""Names of columns that a specification leaves in raw, and that tell of persons."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DAY_AND_TIME = re.compile(r"(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d:\d\d)(?:\.\d+)?")
_FIGURES = re.compile(r"\d{9,}")
_BEGINNING = "2001-01-01T00:00:00"
_USUAL = 50.0
_FINE_TAKES = re.compile(r"^(?:value|\d+m|1h)$")


def value_for(
    column: Column, spec: SourceSpec, near: Any, draw: Draw
) -> Invented | None:
    """The value to plant in a cell of a declared column; None if there is none.

    Args:
        column: Column that may not go on as it is.
        spec: Its source.
        near: What stands in the cell, or in another one of its column.
        draw: What the value follows from.
    """
    match column.type:
        case ColumnType.TEXT:
            return _text(column, spec, near, draw)
        case ColumnType.NUMBER if not _goes_on(column, spec):
            return _number(near, draw)
        case ColumnType.INTEGER if column.privacy == "drop":
            return invented.whole_number(draw)
        case ColumnType.DATE if column.privacy not in {"quasi", "sensitive"}:
            return invented.day(draw)
        case ColumnType.DATETIME if not _goes_on(column, spec):
            # Half of the rows keep their moment, so that they are in cells of many.
            skipped = column.privacy == "quasi" and draw.number % 2
            return None if skipped else _moment(near, draw)
    return None


def undeclared_value(name: str, near: Any, draw: Draw) -> Invented | None:
    """The value for a personal column that the specification does not name."""
    if not _UNDECLARED.search(name):
        return None
    if isinstance(near, float):
        return invented.number_near(draw, near)
    return _by_name(name, draw)


def unreadable(draw: Draw) -> Invented:
    """A text where something else is expected."""
    return invented.named(draw)


def unexpected(item: Expectation, near: Any, draw: Draw) -> Invented | None:
    """A value that an expectation does not let through; None if there is none here."""
    if "regex" in item.kwargs or "value_set" in item.kwargs:
        return invented.identifier(draw) if isinstance(near, str) else None
    upper = item.kwargs.get("max_value")
    if isinstance(upper, int | float) and isinstance(near, int | float):
        return invented.whole_number(draw)
    return None


def is_expected(item: Expectation, value: object) -> bool:
    """Whether a value meets an expectation about single values."""
    wanted = item.kwargs
    if "regex" in wanted and "_not_match_" not in item.type:
        return re.search(wanted["regex"], str(value)) is not None
    if "value_set" in wanted:
        return value in wanted["value_set"]
    bounds = [wanted.get("min_value"), wanted.get("max_value")]
    if not isinstance(value, int | float) or any(isinstance(b, str) for b in bounds):
        return True
    low, high = bounds
    return (low is None or value >= low) and (high is None or value <= high)


def _text(column: Column, spec: SourceSpec, near: Any, draw: Draw) -> Invented | None:
    if column.privacy in {"quasi", "sensitive"}:
        # The first of the invented persons is alone of its kind.
        lonely = column.privacy == "quasi" and draw.number == 0
        return _alone(spec, draw, near) if lonely else None
    if isinstance(column.privacy, Generalize):
        rule = column.privacy.generalize
        # Of a text, only a beginning can go on.
        assert isinstance(rule, GeneralizeText)  # noqa: S101 - its specification says so
        return _coarsened(rule.prefix, near, draw)
    if isinstance(near, int):
        return invented.whole_number(draw)
    return _like(str(near or ""), draw) or _by_name(column.name, draw)


def _coarsened(prefix: int, near: Any, draw: Draw) -> Invented:
    kept = str(near or "")[:prefix]
    return invented.coarsened(draw, kept + _BEGINNING[len(kept) : prefix])


def _like(text: str, draw: Draw) -> Invented | None:
    """An official number or a UUID where such a one stands."""
    if _FIGURES.fullmatch(text):
        return invented.figures(draw, len(text))
    return invented.unique_id(draw) if _UUID.fullmatch(text) else None


def _by_name(name: str, draw: Draw) -> Invented:
    for pattern, make in _NAMED:
        if re.search(pattern, name):
            return make(draw)
    return invented.free_text(draw)


def _alone(spec: SourceSpec, draw: Draw, near: Any) -> Invented | None:
    """What nobody else has of what the rows of others share."""
    if isinstance(spec.protection, MicrodataProtection):
        return invented.identifier(draw)
    if isinstance(spec.protection, AggregateProtection) and len(str(near)) == len(
        "17300"
    ):
        return invented.alone(draw)
    # A table of firms names its cells, secret or not.
    return None


def _number(near: Any, draw: Draw) -> Invented | None:
    """A number like the one that is there, written as it is; None if it is none."""
    text = str(near if near is not None else _USUAL)
    try:
        made = invented.number_near(draw, float(text.replace(",", ".")))
    except ValueError:
        return None
    if not isinstance(near, str):
        return made
    mark = "," if "," in text else "."
    return Invented(f"{made.value:.10f}".replace(".", mark), made.parts)


def _moment(near: Any, draw: Draw) -> Invented | None:
    """A moment in the producer's writing; None where it writes in another way."""
    found = _DAY_AND_TIME.match(str(near or ""))
    if found is None:
        return None
    made = invented.moment(draw)
    day, time = str(made.value).split(" ")
    start, end = str(near)[: found.start()], str(near)[found.end(3) :]
    return Invented(f"{start}{day}{found[2]}{time}{end}", made.parts)


def _goes_on(column: Column, spec: SourceSpec) -> bool:
    """Whether values of a column are in what is released, as they are or nearly."""
    takes: Sequence[str] = ()
    match spec.protection:
        case AggregateProtection() as policy:
            takes = [
                grain[dimension.name]
                for grain in policy.grains
                for dimension in policy.dimensions
                if dimension.column == column.name
            ]
        case CellProtection() as policy:
            takes = [
                take
                for dimension in policy.dimensions
                if dimension.column == column.name
                for take in policy.takes[dimension.name]
            ]
        case MicrodataProtection() as policy:
            if column.name in policy.sensitive:
                return True
            takes = [
                level
                for quasi in policy.quasi
                if quasi.column == column.name
                for level in quasi.levels
            ]
    return any(_FINE_TAKES.match(take) for take in takes)
