"""XML of the legacy La Rochelle web service, letter for letter as it was recorded.

One line with tabs, values in literal quotes, apostrophes and angle brackets escaped
twice but ampersands once, errors inside HTTP 200. What the tables hold is decided by
the modules of their topics.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs

import polars as pl

MEDIA_TYPE = "text/xml; charset=utf-8"
MAX_ROWS = 5000
_BEYOND_ANY_TABLE = 10**9
REFUSAL = "Une erreur s'est produite lors de l'execution de la requete."

# A name that can never resolve: the echoed address shows where a page came from and
# does not depend on the port, so equal pages keep equal bytes.
_ECHOED_ADDRESS = "http://sandbox.invalid/webservice/"
_INNER_ESCAPES = {"'": "&apos;", '"': "&quot;", "<": "&lt;", ">": "&gt;"}


@dataclass(frozen=True)
class PageRequest:
    """Rows `offset` to `offset + limit - 1` of a table; the first row is 1."""

    database: str
    table: str
    offset: int
    limit: int


def read_request(query: str) -> PageRequest | None:
    """What a query string asks for; None if the service would refuse it."""
    given = {name: values[-1] for name, values in parse_qs(query).items()}
    offset, limit = given.get("offset", "1"), given.get("limit", str(MAX_ROWS))
    wanted = (given.get("service"), given.get("format")) == ("getData", "xml")
    if not (wanted and offset.isdecimal() and limit.isdecimal()):
        return None
    first = min(int(offset), _BEYOND_ANY_TABLE)
    request = PageRequest(
        given.get("db", ""), given.get("table", ""), first, int(limit)
    )
    if request.offset < 1 or not 1 <= request.limit <= MAX_ROWS:
        return None
    return request if request.database and request.table else None


def success(query: str, rows: str = "") -> bytes:
    """A `code=0` page around rows already rendered; empty `<data>` without any."""
    return _document(
        query, f"code=0 message=Success</status>\t\t<data>{rows}\t\t</data>"
    )


def failure(query: str, message: str = REFUSAL) -> bytes:
    """A `code=7` answer: no `<data>`, and to be sent with HTTP 200."""
    return _document(query, f"code=7 message={_outer(message)}</status>")


def rows_xml(frame: pl.DataFrame) -> str:
    """The `<row>` elements of a frame, one field per column, null as `""`."""
    fields = "".join(f'\t\t\t\t<{name}>"{{}}"</{name}>' for name in frame.columns)
    texts = [_text(name, dtype) for name, dtype in frame.schema.items()]
    row = pl.format(f"\t\t\t<row>{fields}\t\t\t</row>", *texts)
    return "".join(frame.select(row.alias("row"))["row"])


def _text(name: str, dtype: pl.DataType) -> pl.Expr:
    text = pl.col(name).cast(pl.String).fill_null("")
    if dtype != pl.String:
        return text
    for character, entity in _INNER_ESCAPES.items():
        text = text.str.replace_all(character, entity, literal=True)
    # The service leaves `&` alone on the inner level, so "A & B" has one `&amp;`.
    return text.str.replace_all("&", "&amp;", literal=True)


def _outer(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _document(query: str, answer: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><opendata>'
        f"\t<request>{_outer(f'{_ECHOED_ADDRESS}?{query}')}</request>"
        f"\t<answer>\t\t<status>{answer}\t</answer></opendata>"
    ).encode()
