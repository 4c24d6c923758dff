"""The text of a snapshot as frames, by the format its source declares.

Every frame carries `PAGE` and `ROW`, the place its rows came from, through validation
and into quarantine; neither goes any further.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from itertools import groupby, islice

import polars as pl

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.places import PAGE, ROW, placed
from lrtzc_pipelines.raw_store import StoredPage
from lrtzc_pipelines.sources.spec import SourceSpec

__all__ = ["PAGE", "ROW", "parse"]

_PAGE_PARSERS = {
    "larochelle_xml": "larochelle_xml:parse_page",
    "ckan_records": "json_records:parse_ckan",
    "csv": "delimited:parse_csv",
    "geojson": "json_records:parse_geojson",
    "json": "json_records:parse_json",
    "parquet": "tables:parse_parquet",
    "xlsx": "tables:parse_xlsx",
    "gtfs": "gtfs:parse_gtfs",
    "gtfs_rt": "gtfs_rt:parse_gtfs_rt",
    "netex": "netex:parse_netex",
    "uplink": "uplinks:parse_uplinks",
}
"""Functions of (body, label, format) that read one page."""

_SNAPSHOT_PARSERS = {
    "gbfs_stations": "gbfs_stations:parse_snapshot",
    "irve": "irve:parse_snapshot",
}
"""Functions of (named pages, label, format) that need every page at once.

Their frames carry `PAGE` and `ROW` already.
"""

_PAGES_AT_ONCE = 8

StoredPages = Iterable[tuple[StoredPage, bytes]]


def parse(spec: SourceSpec, pages: StoredPages) -> Iterator[pl.DataFrame]:
    """Frames of text in the order of the pages, a few pages in each.

    Columns have the producer's names, plus `PAGE` (index of the page in its snapshot,
    UInt32) and `ROW` (1-based row in the page, UInt32).

    Raises:
        ParseError: bytes that do not have the declared format; names source and page.
    """
    whole = _SNAPSHOT_PARSERS.get(spec.format.kind)
    if whole:
        named = [(page.name, body) for page, body in pages]
        yield _function(whole)(named, spec.label, spec.format)
        return
    numbered = enumerate(pages)
    # Two threads, one group ahead: the parsers spend their time outside the
    # interpreter's lock, and work on while the caller treats the last group.
    with ThreadPoolExecutor(2, thread_name_prefix="parse") as pool:

        def submit() -> list[Future[pl.DataFrame]]:
            group = islice(numbered, _PAGES_AT_ONCE)
            return [pool.submit(_parse_placed, spec, *item) for item in group]

        current = submit()
        while current:
            following = submit()
            yield from _alike(done.result() for done in current)
            current = following


def _alike(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Neighbours of the same columns as one frame.

    Others stay apart: a column that one page lacks would be filled up from the pages
    beside it, and nobody would see that it is gone.
    """
    for _, alike in groupby(frames, key=lambda frame: frozenset(frame.columns)):
        yield pl.concat(alike, how="diagonal")


def _parse_placed(
    spec: SourceSpec, index: int, stored: tuple[StoredPage, bytes]
) -> pl.DataFrame:
    return placed(_parse_page(spec, *stored), index)


def _parse_page(spec: SourceSpec, page: StoredPage, body: bytes) -> pl.DataFrame:
    label = f"{spec.label}: page {page.name}"
    try:
        frame: pl.DataFrame = _function(_PAGE_PARSERS[spec.format.kind])(
            body, label, spec.format
        )
    except RecursionError as error:
        msg = f"{label}: nested too deeply"
        raise ParseError(msg) from error
    if column := getattr(spec.format, "page_column", None):
        # As a series: a literal would make a row of a page without any.
        name = pl.Series(column, [page.name] * frame.height, pl.String)
        frame = frame.with_columns(name)
    if column := getattr(spec.format, "occurrence_column", None):
        frame = frame.with_columns(_occurrences(spec, frame).alias(column))
    return frame


def _occurrences(spec: SourceSpec, frame: pl.DataFrame) -> pl.Expr:
    """Each row's number among those of equal key, as text.

    In the order of all their values, so that the order of the file decides nothing.
    """
    of_key = {spec.column(name).source for name in spec.primary_key}
    keys = [name for name in frame.columns if name in of_key]
    nth = pl.int_range(1, pl.len() + 1).over(
        keys or frame.columns, order_by=frame.columns
    )
    return nth.cast(pl.String)


def _function(name: str) -> Callable[..., pl.DataFrame]:
    # Imported when used: some formats bring libraries that few runs need.
    module, _, function = name.partition(":")
    found: Callable[..., pl.DataFrame] = getattr(
        import_module(f"lrtzc_pipelines.parsers.{module}"), function
    )
    return found
