"""The text of a snapshot as frames, by the format its source declares.

Every frame carries `PAGE` and `ROW`, the place its rows came from, through validation
and into quarantine; neither goes any further.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import polars as pl

from lrtzc_pipelines.parsers import (
    delimited,
    gbfs_stations,
    json_records,
    larochelle_xml,
)
from lrtzc_pipelines.raw_store import StoredPage
from lrtzc_pipelines.sources.formats import CsvFormat, GbfsStationsFormat
from lrtzc_pipelines.sources.spec import SourceSpec

PAGE = "_page"
ROW = "_row"
_PAGES_AT_ONCE = 8

StoredPages = Iterable[tuple[StoredPage, bytes]]


def parse(spec: SourceSpec, pages: StoredPages) -> Iterator[pl.DataFrame]:
    """Frames of text in the order of the pages, a few pages in each.

    Columns have the producer's names, plus `PAGE` (index of the page in its snapshot,
    UInt32) and `ROW` (1-based row in the page, UInt32).

    Raises:
        ParseError: bytes that do not have the declared format; names source and page.
    """
    if isinstance(spec.format, GbfsStationsFormat):
        yield _parse_stations(spec, spec.format, pages)
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
            yield pl.concat((done.result() for done in current), how="diagonal")
            current = following


def _parse_placed(
    spec: SourceSpec, index: int, stored: tuple[StoredPage, bytes]
) -> pl.DataFrame:
    return _placed(_parse_page(spec, *stored), index)


def _parse_page(spec: SourceSpec, page: StoredPage, body: bytes) -> pl.DataFrame:
    label = f"{spec.id}: page {page.name}"
    if isinstance(spec.format, CsvFormat):
        return delimited.parse_csv(body, label, spec.format)
    return {
        "larochelle_xml": larochelle_xml.parse_page,
        "ckan_records": json_records.parse_ckan,
        "geojson": json_records.parse_geojson,
    }[spec.format.kind](body, label)


def _parse_stations(
    spec: SourceSpec, stations: GbfsStationsFormat, pages: StoredPages
) -> pl.DataFrame:
    stored = list(pages)
    bodies = {page.name: body for page, body in stored}
    frame = gbfs_stations.parse_feeds(bodies, spec.id, language=stations.language)
    status = [page.name for page, _ in stored].index("station_status")
    return _placed(frame, status)


def _placed(frame: pl.DataFrame, page: int) -> pl.DataFrame:
    return frame.with_columns(
        pl.lit(page, pl.UInt32).alias(PAGE),
        pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).alias(ROW),
    )
