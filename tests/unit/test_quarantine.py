"""Refused rows: where they come from, how they are counted, and what people see."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import polars as pl
import pytest

from lrtzc_pipelines.conforming import REFUSED_SCHEMA
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.quarantine import (
    FILE,
    HIDDEN,
    read_quarantine,
    shown_rows,
    summarize,
    write_quarantine,
)
from lrtzc_pipelines.raw_store import Snapshot, StoredPage
from lrtzc_pipelines.sources.columns import Column
from lrtzc_pipelines.sources.spec import SourceSpec

SPEC = SourceSpec.model_construct(
    id="town_counts",
    columns=(
        Column.model_validate(
            {
                "name": "count",
                "source": "Nombre",
                "type": "integer",
                "description": "A count.",
                "privacy": "keep",
            }
        ),
        Column.model_validate(
            {
                "name": "phone",
                "source": "Téléphone",
                "type": "text",
                "description": "A telephone.",
                "privacy": "drop",
            }
        ),
        Column.model_validate(
            {
                "name": "postcode",
                "source": "CP",
                "type": "text",
                "description": "A postcode.",
                "privacy": {"generalize": {"prefix": 2}},
            }
        ),
    ),
)
SNAPSHOT = Snapshot(
    id="20260617T055439Z-0a1b2c3d",
    source_id="town_counts",
    run_id="collecting",
    collected_at="2026-06-17T05:54:39+00:00",
    origin="sandbox",
    licence="etalab-2.0",
    content_sha256="c",
    announced_total=None,
    pages=(
        StoredPage("first", "csv", "sha-of-first", "c1", 10),
        StoredPage("second", "csv", "sha-of-second", "c2", 10),
    ),
)


def refused(*rows: tuple[int, int, str]) -> pl.DataFrame:
    record = {"Nombre": "?", "Téléphone": "05 46 00 00 00", "CP": "17000"}
    text = json.dumps(record, ensure_ascii=False)
    return pl.DataFrame(
        [(page, row, rule, "count", "why", text) for page, row, rule in rows],
        schema=REFUSED_SCHEMA,
        orient="row",
    )


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


@pytest.fixture
def filled(layout: Layout) -> Layout:
    rows = refused((1, 4, "type"), (0, 2, "primary_key"), (0, 7, "type"))
    write_quarantine(SPEC, SNAPSHOT, layout, rows, run_id="r1")
    return layout


def test_a_row_names_the_raw_page_it_came_from(filled: Layout) -> None:
    frame = read_quarantine(SPEC, filled)
    assert frame is not None
    places = frame.select("page_name", "raw_sha256", "row_in_page").rows()
    assert places == [
        ("second", "sha-of-second", 4),
        ("first", "sha-of-first", 2),
        ("first", "sha-of-first", 7),
    ]
    assert set(frame["snapshot_id"]) == {SNAPSHOT.id}


def test_a_source_without_refusals_has_no_quarantine(layout: Layout) -> None:
    assert read_quarantine(SPEC, layout) is None
    assert shown_rows(SPEC, layout, limit=5) == []
    assert summarize([SPEC], layout) == []


def test_a_validation_replaces_the_rows_of_the_one_before(filled: Layout) -> None:
    write_quarantine(SPEC, SNAPSHOT, filled, refused((0, 1, "type")), run_id="r2")
    frame = read_quarantine(SPEC, filled)
    assert frame is not None
    assert frame["run_id"].to_list() == ["r2"]


def test_a_validation_that_refuses_nothing_empties_it(filled: Layout) -> None:
    write_quarantine(SPEC, SNAPSHOT, filled, refused(), run_id="r2")
    assert read_quarantine(SPEC, filled) is None


def test_only_its_owner_reads_the_file(filled: Layout) -> None:
    folder = filled.quarantine(SPEC.id)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600


def test_rows_are_counted_by_rule(filled: Layout) -> None:
    entries = summarize([SPEC], filled)
    counted = [(e["source_id"], e["rule"], e["rows"], e["run_id"]) for e in entries]
    assert counted == [
        ("town_counts", "primary_key", 1, "r1"),
        ("town_counts", "type", 2, "r1"),
    ]
    assert "05 46" not in str(entries)


def test_personal_columns_are_hidden_from_people(filled: Layout) -> None:
    for row in shown_rows(SPEC, filled, limit=5):
        assert row["record"] == {"Nombre": "?", "Téléphone": HIDDEN, "CP": HIDDEN}


def test_personal_columns_are_shown_to_those_who_ask(filled: Layout) -> None:
    first = shown_rows(SPEC, filled, limit=5, personal=True)[0]
    assert first["record"]["Téléphone"] == "05 46 00 00 00"


def test_no_more_rows_are_shown_than_asked(filled: Layout) -> None:
    assert len(shown_rows(SPEC, filled, limit=2)) == 2
