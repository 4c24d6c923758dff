"""Charging points as their producers publish them: one file each, none like another."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable
from datetime import datetime

import polars as pl

from lrtzc_pipelines.sources.formats import IrveFormat

_PAIR = re.compile(r"\[\s*([^,\]]+),\s*([^,\]]+)\]")
_ARCHIVED_AT = (2026, 11, 15, 20, 55, 0)
_REPEATED = 2
"""Points of the first producer that the second publishes too, with an older date."""

Row = dict[str, str]


def producer_files(frame: pl.DataFrame, form: IrveFormat) -> list[bytes]:
    """The rows of a table, dealt out to three producers.

    The first writes as the schema says. The second uses Excel (`;`, byte order mark)
    and repeats points of the first. The third has Windows letters, axes the other way
    round, `VRAI` and `FAUX` and French dates, zipped under the name of a `.csv`.
    """
    rows = [
        {name: _text(value) for name, value in row.items()}
        for row in frame.iter_rows(named=True)
    ]
    first, second, third = rows[0::3], rows[1::3], rows[2::3]
    if not form.dynamic:
        second = [_older(row) for row in first[:_REPEATED]] + second
        third = [_careless(row) for row in third]
    names = frame.columns
    return [
        _table(first, names, ",").encode(),
        _table(second, names, ";").encode("utf-8-sig"),
        _zipped(_table(third, names, ";").encode("cp1252", "replace")),
    ]


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _older(row: Row) -> Row:
    return {**row, "date_maj": "2020-01-01"}


def _careless(row: Row) -> Row:
    spelled = {"true": "VRAI", "false": "FAUX"}
    changed = {name: spelled.get(text, text) for name, text in row.items()}
    return _changed(
        changed,
        coordonneesXY=lambda text: _PAIR.sub(r"[\2,\1]", text),
        date_maj=_french,
        date_mise_en_service=_french,
    )


def _changed(row: Row, **changes: Callable[[str], str]) -> Row:
    """A row with some cells written otherwise, where it has them."""
    return row | {
        name: change(row[name]) for name, change in changes.items() if name in row
    }


def _french(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text):%d/%m/%Y}"
    except ValueError:
        return text


def _table(rows: list[Row], names: list[str], separator: str) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, names, delimiter=separator, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _zipped(body: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        # A fixed date: the same rows are the same bytes.
        archive.writestr(zipfile.ZipInfo("bornes.csv", _ARCHIVED_AT), body)
    return packed.getvalue()
