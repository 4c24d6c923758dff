"""What holds whatever comes: nothing is lost, and the order of pages is no data."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrtzc_pipelines.expectations.suites import Suite
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.quarantine import read_quarantine
from lrtzc_pipelines.raw_store import RawStore, Snapshot, StoredPage, Writer
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import DATA
from lrtzc_pipelines.validating import Validated, validate

COLUMN = {"description": "A column.", "privacy": "keep"}
SPEC = SourceSpec.model_validate(
    {
        "id": "town_counts",
        "title": "Counts of the town",
        "description": "Rows made for these tests, of no town.",
        "producer": "Town",
        "homepage": "https://town.example/",
        "licence": "etalab-2.0",
        "tier": "open",
        "axis": 10,
        "theme": "territory",
        "owner": "team:donnees",
        "endpoint": "town",
        "connector": {"kind": "http_file", "path": "counts.csv"},
        "format": {"kind": "csv"},
        "cadence": "daily",
        "primary_key": ["id"],
        "freshness_days": 2,
        "raw_retention_days": 30,
        "columns": [
            {
                "name": "id",
                "source": "id",
                "type": "integer",
                "required": True,
                **COLUMN,
            },
            {"name": "count", "source": "count", "type": "number", **COLUMN},
            {"name": "name", "source": "name", "type": "text", **COLUMN},
        ],
    }
)
SUITE = Suite.model_validate(
    {
        "name": "town_counts",
        "expectations": [
            {
                "type": "expect_column_values_to_be_between",
                "kwargs": {"column": "count", "min_value": 0, "mostly": 0.01},
                "meta": {"check": "not_negative", "on_failure": "quarantine"},
                "description": "A count is not negative.",
                "severity": "critical",
            }
        ],
    }
)

# Enough good rows that neither the suite nor the share of unreadable ones blocks.
GOOD = [f"{n};{n};n{n}" for n in range(1000, 1300)]
AWKWARD = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "3", "1000", "x", ""]),
        st.sampled_from(["1", "2", "-5", "", "z", "1.5"]),
        st.sampled_from(["a", "b", ""]),
    ).map(";".join),
    max_size=9,
)


def validated(pages: list[list[str]], folder: Path) -> tuple[Validated, bytes]:
    """What a snapshot of some pages becomes."""
    layout = Layout(folder)
    store = RawStore(layout.raw(SPEC.id))
    stored = []
    with Writer(store) as writer:
        for number, rows in enumerate(pages):
            body = "\n".join(["id;count;name", *rows, ""]).encode()
            sha256 = writer.add(body, "csv")
            stored.append(StoredPage(f"p{number}", "csv", sha256, sha256, len(body)))
        snapshot = Snapshot(
            id="s",
            source_id=SPEC.id,
            run_id="r",
            collected_at=datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
            origin="sandbox",
            licence=SPEC.licence,
            content_sha256="c",
            announced_total=None,
            pages=tuple(stored),
        )
        writer.seal([], snapshot)
    result = validate(SPEC, SUITE, snapshot, layout, run_id="r")
    return result, (layout.validated(SPEC.id) / DATA).read_bytes()


def in_pages(rows: list[str], size: int) -> list[list[str]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


@given(AWKWARD, st.integers(0, 2**32), st.integers(20, 400))
@settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
def test_pages_in_any_order_with_duplicates_give_the_same_bytes(
    awkward: list[str], seed: int, size: int
) -> None:
    rows = [*awkward, *GOOD]
    chance = random.Random(seed)
    shuffled = [*rows, *chance.choices(rows, k=50)]
    chance.shuffle(shuffled)
    pages = in_pages(shuffled, size)
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        first, straight = validated([rows], Path(one))
        second, scrambled = validated([*pages, *pages[:1]], Path(other))
        kept = [read_quarantine(SPEC, Layout(Path(folder))) for folder in (one, other)]
    assert straight == scrambled
    assert first.quarantined_count == second.quarantined_count
    records = [sorted(frame["record"]) if frame is not None else [] for frame in kept]
    assert records[0] == records[1]


@given(AWKWARD)
@settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
def test_every_row_is_validated_in_quarantine_or_a_repeat(awkward: list[str]) -> None:
    with TemporaryDirectory() as name:
        result, _ = validated([awkward, GOOD, awkward[:3]], Path(name))
        layout = Layout(Path(name))
        published = pl.read_parquet(layout.validated(SPEC.id) / DATA).height
        refused = read_quarantine(SPEC, layout)
    state = result.require(SPEC)
    aside = refused.height if refused is not None else 0
    received = len(awkward) + len(GOOD) + len(awkward[:3])
    assert state.continuity["received"] == received
    assert published + aside + int(state.continuity["repeats"] or 0) == received
