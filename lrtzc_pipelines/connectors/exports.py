"""Exported files looked at without parsing them: whole or cut short, and their rows.

A portal that fails while it streams an export writes its apology into the file. What
it says may be told; what stands in rows may not.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator

from lrtzc_pipelines.connectors.bodies import looks_like_html

_TAIL_BYTES = 4096
_LONGEST_SENTENCE = 200
_MAGIC = b"PAR1"
_APOLOGY = re.compile(r"(?i)streaming interrupted[^\r\n]*\s*\Z")
_PROSE = re.compile(r"[A-Za-zÀ-ÿ][^\"{}\[\];]*")
_ERROR_KEYS = frozenset({"error_code", "errorcode"})


def parquet_fault(body: bytes) -> str | None:
    """What keeps a body from being a Parquet file, or None."""
    if reason := _common_fault(body):
        return reason
    if not (body.startswith(_MAGIC) and body.endswith(_MAGIC)):
        return "not a whole Parquet file: it does not end as one"
    try:
        parquet_rows(body)
    except ValueError as error:
        return str(error)
    return None


def parquet_rows(body: bytes) -> int:
    """Rows that the footer of a Parquet file tells.

    Raises:
        ValueError: the footer cannot be read.
    """
    # Imported when used: few sources are Parquet, and the library is large.
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        rows: int = pq.read_metadata(pa.BufferReader(body)).num_rows
    except (pa.ArrowException, OSError) as error:
        msg = "not a whole Parquet file: its footer cannot be read"
        raise ValueError(msg) from error
    return rows


def jsonl_fault(body: bytes) -> str | None:
    """What keeps a body from being lines of JSON objects, or None."""
    if reason := _common_fault(body):
        return reason
    number, last = 0, b""
    for number, last in enumerate(_lines(body), start=1):
        if not (last.startswith(b"{") and last.endswith(b"}")):
            return _no_object(number, last)
    if number == 0:
        return None
    try:
        json.loads(last)
    except (ValueError, RecursionError):
        return f"record {number}, the last one, is no JSON object"
    return None


def jsonl_rows(body: bytes) -> int:
    """Lines that are not blank."""
    return sum(1 for _ in _lines(body))


def csv_fault(body: bytes) -> str | None:
    """What keeps a body from being a whole table delimited by `;`, or None."""
    if reason := _common_fault(body):
        return reason
    if not body.strip():
        return "an empty file"
    try:
        rows = _csv_rows(body)
        width = len(next(rows))
        for number, row in enumerate(rows, start=1):
            if len(row) != width:
                return f"row {number} has {len(row)} values, the header {width}"
    except (csv.Error, UnicodeDecodeError):
        return "not a UTF-8 table delimited by ;"
    return None


def csv_rows(body: bytes) -> int:
    """Rows below the header."""
    return sum(1 for _ in _csv_rows(body)) - 1


FAULTS: dict[str, Callable[[bytes], str | None]] = {
    "parquet": parquet_fault,
    "jsonl": jsonl_fault,
    "csv": csv_fault,
}
"""What is wrong with a body, by the format that was asked for."""

COUNTS: dict[str, Callable[[bytes], int]] = {
    "parquet": parquet_rows,
    "jsonl": jsonl_rows,
    "csv": csv_rows,
}
"""Rows of a body without fault, by format."""


def _common_fault(body: bytes) -> str | None:
    if looks_like_html(body):
        return "an HTML page instead of the export"
    tail = body[-_TAIL_BYTES:].decode("utf-8", "replace")
    apology = _APOLOGY.search(tail)
    if apology:
        return f"the export ends with {_sentence(apology[0])}"
    return _reported(body)


def _reported(body: bytes) -> str | None:
    """The message of an error document in place of the export."""
    if len(body) > _TAIL_BYTES or not body.lstrip().startswith(b"{"):
        return None
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not _ERROR_KEYS & document.keys():
        return None
    told = document.get("message") or document.get("error") or "no reason given"
    return f"the portal reports a failure: {_sentence(str(told))}"


def _no_object(number: int, line: bytes) -> str:
    text = line.decode("utf-8", "replace")
    # A piece of a record may not be shown, and is not written like a sentence.
    told = f" but {_sentence(text)}" if _PROSE.fullmatch(text) else ""
    return f"line {number} is no whole record{told}"


def _sentence(text: str) -> str:
    return repr(" ".join(text.split())[:_LONGEST_SENTENCE])


def _lines(body: bytes) -> Iterator[bytes]:
    return (line for line in map(bytes.strip, io.BytesIO(body)) if line)


def _csv_rows(body: bytes) -> Iterator[list[str]]:
    # Outlines in a cell are longer than the module's default allows.
    csv.field_size_limit(max(csv.field_size_limit(), len(body)))
    text = io.TextIOWrapper(io.BytesIO(body), "utf-8-sig", newline="")
    return (row for row in csv.reader(text, delimiter=";", strict=True) if row)
