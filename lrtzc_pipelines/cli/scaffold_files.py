"""The text of a new source's files, from what is known of it.

The test case is invented here: a sample's own rows never enter the project, since
nobody has said yet that they may.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from textwrap import indent
from typing import Any

from lrtzc_pipelines.cli.scaffold_columns import Draft
from lrtzc_pipelines.sources.checking import PLACEHOLDER
from lrtzc_pipelines.sources.columns import Column, ColumnType
from lrtzc_pipelines.sources.dbt_sources import to_yaml
from lrtzc_pipelines.sources.formats import CsvFormat
from lrtzc_pipelines.sources.spec import SourceSpec

HEAD = f"""\
# Started by `lrtzc sources new`. A person still has to look at licence and tier, at
# every text that says « {PLACEHOLDER} », and at the privacy rule of every column.
"""
_START = datetime(2025, 1, 1, 8, tzinfo=UTC)
_GOOD_ROWS = 3


def spec_text(fields: dict[str, Any], drafts: Sequence[Draft]) -> str:
    """The YAML specification; a dropped column says why it is."""
    columns = "".join(
        ("" if draft.column.privacy == "keep" else f"  # To review: {draft.why}.\n")
        + indent(to_yaml([_column_fields(draft.column)]), "  ")
        for draft in drafts
    )
    return f"{HEAD}{to_yaml(fields)}columns:\n{columns}"


def _column_fields(column: Column) -> dict[str, Any]:
    fields = column.model_dump(mode="json", exclude_defaults=True)
    last = ("description", "privacy")
    return {k: v for k, v in fields.items() if k not in last} | {
        name: fields[name] for name in last
    }


def suite_text(source_id: str) -> str:
    """A suite with the one check that every table should pass."""
    expectation = {
        "type": "expect_table_row_count_to_be_between",
        "kwargs": {"min_value": 1},
        "meta": {"check": "row_count", "on_failure": "block"},
        "description": "The table has at least one row.",
        "severity": "critical",
    }
    return _json({"name": source_id, "expectations": [expectation]})


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def invented_answer(spec: SourceSpec) -> bytes:
    """A few made-up rows in the source's shape: plain, blank, and one unreadable."""
    rows = [[_invented(spec, c, n) for c in _received(spec)] for n in range(_GOOD_ROWS)]
    rows[1] = [
        value if column.required else ""
        for column, value in zip(_received(spec), rows[1], strict=True)
    ]
    unreadable = [_invented(spec, c, _GOOD_ROWS) for c in _received(spec)]
    for position, column in enumerate(_received(spec)):
        if column.type is not ColumnType.TEXT and not column.required:
            unreadable[position] = "illisible"
            rows.append(unreadable)
            break
    names = [str(column.source) for column in _received(spec)]
    if isinstance(spec.format, CsvFormat):
        return _csv_answer(spec.format, names, rows)
    return _geojson_answer(names, rows)


def _received(spec: SourceSpec) -> list[Column]:
    return [column for column in spec.columns if column.source]


def _csv_answer(form: CsvFormat, names: list[str], rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=form.separator, lineterminator="\n")
    writer.writerows([names, *rows])
    return text.getvalue().encode(form.encoding)


def _geojson_answer(names: list[str], rows: list[list[str]]) -> bytes:
    features = []
    for row in rows:
        fields = {n: _json_value(v) for n, v in zip(names, row, strict=True)}
        geometry = fields.pop("geometry", None)
        features.append({"type": "Feature", "geometry": geometry, "properties": fields})
    return _json({"type": "FeatureCollection", "features": features}).encode()


def _json_value(text: str) -> object:
    """What a text is in JSON: number, truth value, geometry, nothing, or text."""
    try:
        return json.loads(text or "null")
    except ValueError:
        return text


def _invented(spec: SourceSpec, column: Column, row: int) -> str:
    moment = _START + timedelta(days=row)
    decimal = getattr(spec.format, "decimal", ".")
    kinds: dict[ColumnType, Callable[[], str]] = {
        ColumnType.TEXT: lambda: _invented_text(column, row),
        ColumnType.INTEGER: lambda: str(row + 1),
        ColumnType.NUMBER: lambda: f"{row + 1}{decimal}5",
        ColumnType.BOOLEAN: lambda: ("true", "false")[row % 2],
        ColumnType.DATE: lambda: _written(moment, column.datetime_format or "%Y-%m-%d"),
        ColumnType.DATETIME: lambda: _written(
            moment, column.datetime_format or "%Y-%m-%dT%H:%M:%S+00:00"
        ),
    }
    return kinds[column.type]()


def _invented_text(column: Column, row: int) -> str:
    if column.source == "geometry":
        return json.dumps({"type": "Point", "coordinates": [-1.15 - row / 100, 46.16]})
    return f"essai {row + 1}"


def _written(moment: datetime, form: str) -> str:
    """A moment in a Polars format, whose `%.f` Python does not know."""
    return moment.strftime(form.replace("%.f", ".500"))
