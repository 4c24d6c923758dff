"""Sources that tell of the same firms: the second goes on beside the first, or not.

Two pairs of sources of the kinds that there are: waste of companies by treatment and by
sector, energy of firms by IRIS and by sector.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lrtzc_pipelines.anonymizing import REPORT, write_anonymized
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.privacy.audit import audit
from lrtzc_pipelines.privacy.protecting import protect_source
from lrtzc_pipelines.privacy.released import Released, linked_releases
from lrtzc_pipelines.sources.links import link_problems
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import (
    DATA,
    ValidatedState,
    file_sha256,
    write_state,
)
from lrtzc_pipelines.storage import read_json

Row = tuple[str, str, str, str, float]
"""Code, a side of the first source, one of the second, firm, quantity."""


def firms(code: str, first: str, second: str, count: int, amount: float) -> list[Row]:
    each = amount / count
    names = [f"{code}{first}{second}{n}" for n in range(count)]
    return [(code, first, second, name, each) for name in names]


# By itself, each source protects what it says of the first code with another code.
ROWS = [
    *firms("0101", "R", "41", 2, 30.0),
    *firms("0201", "R", "41", 3, 10.0),
    *firms("0201", "R", "56", 3, 50.0),
    *firms("0301", "R", "41", 3, 15.0),
    *firms("0301", "D", "41", 3, 45.0),
    *firms("0401", "D", "56", 9, 900.0),
    *firms("0401", "R", "41", 9, 900.0),
]


def spec(
    source_id: str, shared: str, own: str, measure: str, other_id: str, **more: Any
) -> SourceSpec:
    def column(name: str, kind: str, privacy: str) -> dict[str, Any]:
        return {
            "name": name,
            "source": name,
            "type": kind,
            "required": True,
            "description": f"Colonne {name}.",
            "privacy": privacy,
        }

    dimensions = [
        {"name": name, "column": name, "description": f"Côté {name}."}
        for name in (shared, own)
    ]
    return SourceSpec.model_validate(
        {
            "id": source_id,
            "title": "Deux sources liées",
            "description": "Une de deux sources inventées qui disent les mêmes firmes.",
            "producer": "Ville",
            "homepage": "https://ville.example/",
            "licence": "LicenseRef-partner-agreement",
            "tier": "partners",
            "axis": 6,
            "theme": "waste",
            "owner": "team:donnees",
            "endpoint": "town_hall",
            "connector": {"kind": "http_file", "path": "x.csv"},
            "format": {"kind": "csv"},
            "cadence": "yearly",
            "primary_key": ["establishment_siret", shared, own],
            "freshness_days": 400,
            "raw_retention_days": 30,
            "protection": {
                "release": "cells",
                "source": "Trois unités, aucune à plus de 85 %.",
                "subject": "establishment_siret",
                "dimensions": dimensions,
                "takes": {shared: "value", own: "value"},
                "measure": {
                    "name": measure,
                    "column": measure,
                    "function": "sum",
                    "description": "Quantité de la case.",
                },
                "min_units": 3,
                "dominance": 0.85,
                "linked": [other_id],
                **more,
            },
            "columns": [
                column("establishment_siret", "text", "subject"),
                column(shared, "text", "quasi"),
                column(own, "text", "quasi"),
                column(measure, "number", "sensitive"),
            ],
        }
    )


PAIRS = {
    "waste": ("waste_code", "treatment_code", "sector_code", "mass_tonnes"),
    "energy": ("iris_code", "category_code", "sector_code", "energy_mwh"),
}


class Pair:
    """Two linked sources in a data directory."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.shared, *self.own, self.measure = PAIRS[kind]
        ids = [f"{kind}_first", f"{kind}_second"]
        self.specs = {
            source_id: spec(source_id, self.shared, own, self.measure, other)
            for source_id, own, other in zip(ids, self.own, reversed(ids), strict=True)
        }
        self.first, self.second = self.specs.values()
        self.layout = Layout(folder)

    def hold(self, of: SourceSpec, rows: list[Row]) -> None:
        """Leaves validated rows, as validating does: what this source knows of them."""
        names = [self.shared, *self.own, "establishment_siret", self.measure]
        frame = pl.DataFrame(rows, schema=names, orient="row")
        keys = [c.name for c in of.columns if c.name != self.measure]
        frame = frame.group_by(keys, maintain_order=True).agg(
            pl.col(self.measure).sum()
        )
        folder = self.layout.validated(of.id)
        frame.write_parquet(folder / DATA)
        state = ValidatedState(
            source_id=of.id,
            fingerprint="f",
            snapshot_id="s",
            content_sha256=file_sha256(folder / DATA),
            row_count=frame.height,
            quarantined_count=0,
            origin="sandbox",
            collected_at="2026-03-01T00:00:00+00:00",
            validated_at="2026-03-01T00:00:00+00:00",
            run_id="r",
            continuity={},
        )
        write_state(folder, state)

    def let_go(self, of: SourceSpec) -> None:
        """Deletes validated rows, as the retention clock does."""
        for path in self.layout.validated(of.id).iterdir():
            path.unlink()

    def write(self, of: SourceSpec) -> pl.DataFrame:
        """What goes on of a source."""
        write_anonymized(of, self.layout, run_id="r", specs=self.specs)
        return pl.read_parquet(self.layout.anonymized(of.id) / DATA)

    def is_there(self, of: SourceSpec) -> bool:
        return (self.layout.anonymized(of.id) / DATA).exists()

    def secret(self, of: SourceSpec, written: pl.DataFrame) -> set[tuple[str, ...]]:
        chosen = written.filter(pl.col(f"{self.measure}_state") == "secret")
        own = next(name for name in self.own if name in written.columns)
        return set(chosen.select(self.shared, own).rows())


@pytest.fixture(params=PAIRS)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    made = Pair(request.param, tmp_path)
    assert list(link_problems(made.specs)) == []
    return made


def test_the_second_keeps_the_secrets_of_the_first(pair: Pair, tmp_path: Path) -> None:
    for each in (pair.first, pair.second):
        pair.hold(each, ROWS)
    first = pair.write(pair.first)
    held = pl.read_parquet(pair.layout.validated(pair.second.id) / DATA)
    alone = protect_source(pair.second, held).rows
    second = pair.write(pair.second)

    def totals(rows: pl.DataFrame) -> set[tuple[str, ...]]:
        return {c for c in pair.secret(pair.second, rows) if c[1] == "(total)"}

    assert totals(second) == {
        c for c in pair.secret(pair.first, first) if c[1] == "(total)"
    }
    assert totals(alone) != totals(second)
    report = read_json(pair.layout.anonymized(pair.second.id) / REPORT)
    assert report["beside"] == report["audit"]["attacks"]["beside"] == [pair.first.id]
    # What would have done for one source is found by the audit of both.
    written = tmp_path / "alone.parquet"
    alone.write_parquet(written)
    rows = pair.layout.validated(pair.second.id) / DATA
    released = linked_releases(pair.second, pair.layout, pair.specs, "sandbox")
    unlinked = {f.check: f.passed for f in audit(pair.second, written, rows)}
    linked = {
        f.check: f.passed for f in audit(pair.second, written, rows, released=released)
    }
    assert unlinked["attacks"]
    assert not linked["attacks"]


def test_either_may_go_on_first(pair: Pair) -> None:
    for each in (pair.first, pair.second):
        pair.hold(each, ROWS)
    second = pair.write(pair.second)
    first = pair.write(pair.first)
    joint = {c for c in pair.secret(pair.second, second) if c[1] == "(total)"}
    assert joint == {c for c in pair.secret(pair.first, first) if c[1] == "(total)"}
    # And again, beside each other.
    assert pair.write(pair.second).equals(second)
    assert pair.write(pair.first).equals(first)


def test_what_no_pattern_protects_is_refused_and_leaves_what_was_there(
    pair: Pair,
) -> None:
    rows = [
        *firms("0101", "R", "41", 1, 50.0),
        *firms("0101", "R", "56", 2, 50.0),
        *firms("0201", "R", "41", 5, 90.0),
        *firms("0201", "R", "56", 5, 90.0),
    ]
    for each in (pair.first, pair.second):
        pair.hold(each, rows)
    first = pair.write(pair.first)
    assert pair.secret(pair.first, first) == set()
    with pytest.raises(LrtzcError, match="cannot be protected") as error:
        pair.write(pair.second)
    assert str(error.value).startswith(f"{pair.second.id}, beside {pair.first.id}")
    assert "010141" not in str(error.value).replace("R", "")
    assert pair.is_there(pair.first)
    assert not pair.is_there(pair.second)


def test_sources_of_other_rows_are_refused(pair: Pair) -> None:
    pair.hold(pair.first, ROWS)
    pair.hold(pair.second, [*ROWS, *firms("0101", "R", "41", 3, 9.0)])
    pair.write(pair.first)
    with pytest.raises(LrtzcError, match="not all units or quantities"):
        pair.write(pair.second)


def test_what_was_released_stays_as_it_was_when_rows_come_late(pair: Pair) -> None:
    """One of them told anew beside the other as it was would be a difference."""
    for each in (pair.first, pair.second):
        pair.hold(each, ROWS)
    before = [pair.write(each) for each in (pair.first, pair.second)]
    later = [*ROWS, *firms("0501", "R", "41", 4, 100.0)]
    for each in (pair.first, pair.second):
        pair.hold(each, later)
    for each, rows in zip((pair.first, pair.second), before, strict=True):
        assert pair.write(each).equals(rows)
        report = read_json(pair.layout.anonymized(each.id) / REPORT)
        assert report["republication"]["regions_held_back"] == 1


def test_what_was_not_released_waits_for_rows_that_the_other_was_made_of(
    pair: Pair,
) -> None:
    pair.hold(pair.first, ROWS)
    first = pair.write(pair.first)
    later = [*ROWS, *firms("0501", "R", "41", 4, 100.0)]
    for each in (pair.first, pair.second):
        pair.hold(each, later)
    assert pair.write(pair.first).equals(first)
    assert pair.write(pair.second).is_empty()
    report = read_json(pair.layout.anonymized(pair.second.id) / REPORT)
    assert report["regions_waiting_for_linked"] == 1
    pair.hold(pair.first, ROWS)
    pair.hold(pair.second, ROWS)
    assert not pair.write(pair.second).is_empty()


def test_without_the_rows_of_the_other_nothing_is_released(pair: Pair) -> None:
    for each in (pair.first, pair.second):
        pair.hold(each, ROWS)
    pair.write(pair.first)
    pair.let_go(pair.first)
    assert pair.write(pair.second).is_empty()


def test_rows_that_one_source_does_not_have_yet_keep_what_is_there(pair: Pair) -> None:
    for each in (pair.first, pair.second):
        pair.hold(each, ROWS)
    first, second = pair.write(pair.first), pair.write(pair.second)
    pair.hold(pair.first, [*ROWS, *firms("0501", "R", "41", 4, 100.0)])
    with pytest.raises(LrtzcError, match="not all units or quantities"):
        pair.write(pair.first)
    for each, before in ((pair.first, first), (pair.second, second)):
        path = pair.layout.anonymized(each.id) / DATA
        assert pl.read_parquet(path).equals(before)


def test_a_linked_source_that_is_not_known_is_an_error(pair: Pair) -> None:
    for each in (pair.first, pair.second):
        pair.hold(each, ROWS)
    pair.write(pair.first)
    with pytest.raises(LrtzcError, match="which is no source"):
        write_anonymized(pair.second, pair.layout, run_id="r")


def test_the_audit_finds_a_linked_file_that_is_not_of_its_rows(
    pair: Pair,
) -> None:
    for each in (pair.first, pair.second):
        pair.hold(each, ROWS)
    first = pair.write(pair.first)
    pair.write(pair.second)
    shown = pl.col(f"{pair.measure}_state") == "observed"
    moved = first.with_columns(
        pl.when(shown).then(pl.col(pair.measure) + 1).alias(pair.measure)
    )
    folders = [pair.layout.validated(s.id) / DATA for s in pair.specs.values()]
    found = audit(
        pair.second,
        pair.layout.anonymized(pair.second.id) / DATA,
        folders[1],
        released=[Released(pair.first, folders[0], moved)],
    )
    assert not {f.check: f.passed for f in found}["thresholds"]
