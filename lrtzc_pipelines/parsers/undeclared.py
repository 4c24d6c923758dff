"""Tables whose packing and letters nobody declared, taken for what they are.

Producers put zip archives under the name of a `.csv`, and Windows letters where UTF-8
was agreed. What is expanded is bounded.
"""

from __future__ import annotations

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.archives import is_archive, opened
from lrtzc_pipelines.parsers.gzipped import gunzip

_GZIP = b"\x1f\x8b"
_LARGEST = 500_000_000
_TABLES = (".csv", ".txt", ".tsv")


def unpacked(body: bytes, label: str) -> bytes:
    """The table inside a zip or gzip file, or the file itself.

    Raises:
        ParseError: damaged, of several tables, too large once expanded, or an archive
            that is refused for what it says of itself.
    """
    if is_archive(body):
        with opened(body, label) as archive:
            names = archive.names
            tables = [n for n in names if n.lower().endswith(_TABLES)] or list(names)
            if len(tables) != 1:
                msg = f"{label}: an archive of {len(tables)} files, not of one table"
                raise ParseError(msg)
            return archive.read(tables[0])
    return gunzip(body, label, _LARGEST) if body.startswith(_GZIP) else body


def decoded(body: bytes) -> str:
    """The text of a table by its byte order mark, or as UTF-8 or Western letters."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Windows' letters, and for the five bytes it leaves open those of ISO 8859-1.
        try:
            return body.decode("cp1252")
        except UnicodeDecodeError:
            return body.decode("latin-1")
