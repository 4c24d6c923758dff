"""The last step before the warehouse: what it writes, and what it says changed."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from lrtzc_pipelines.anonymizing import anonymization_fingerprint, write_anonymized
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.sources.columns import Column
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import (
    DATA,
    AnonymizedState,
    ValidatedState,
    file_sha256,
    read_state,
    write_state,
)


def column(name: str, kind: str, privacy: str) -> Column:
    return Column.model_validate(
        {
            "name": name,
            "source": name,
            "type": kind,
            "description": "A column.",
            "privacy": privacy,
        }
    )


SPEC = SourceSpec.model_construct(
    id="town_people",
    columns=(column("id", "integer", "keep"), column("name", "text", "drop")),
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def hold(layout: Layout, names: list[str], collected_at: str = "2026-01-01") -> None:
    """Leaves validated data, as `validate` does."""
    folder = layout.validated(SPEC.id)
    frame = pl.DataFrame({"id": list(range(len(names))), "name": names})
    frame.write_parquet(folder / DATA)
    write_state(
        folder,
        ValidatedState(
            source_id=SPEC.id,
            fingerprint="f",
            snapshot_id="s",
            content_sha256=file_sha256(folder / DATA),
            row_count=len(names),
            quarantined_count=2,
            origin="sandbox",
            collected_at=collected_at,
            validated_at=collected_at,
            run_id="validating",
            continuity={},
        ),
    )


def anonymized(layout: Layout) -> pl.DataFrame:
    return pl.read_parquet(layout.anonymized(SPEC.id) / DATA)


def test_only_what_is_kept_is_written(layout: Layout) -> None:
    hold(layout, ["Ada", "Léa"])
    write_anonymized(SPEC, layout, run_id="r1")
    assert anonymized(layout).to_dicts() == [{"id": 0}, {"id": 1}]
    assert b"Ada" not in (layout.anonymized(SPEC.id) / DATA).read_bytes()


def test_the_state_follows_the_validated_one(layout: Layout) -> None:
    hold(layout, ["Ada"], "2026-02-02T00:00:00+00:00")
    state, changed = write_anonymized(SPEC, layout, run_id="r1")
    assert changed
    assert state == read_state(AnonymizedState, layout.anonymized(SPEC.id))
    assert (state.row_count, state.quarantined_count) == (1, 2)
    assert (state.origin, state.snapshot_id, state.run_id) == ("sandbox", "s", "r1")
    assert state.collected_at == "2026-02-02T00:00:00+00:00"


def test_a_change_of_dropped_values_only_is_no_change(layout: Layout) -> None:
    hold(layout, ["Ada"])
    before, _ = write_anonymized(SPEC, layout, run_id="r1")
    hold(layout, ["Léa"], "2026-03-03")
    after, changed = write_anonymized(SPEC, layout, run_id="r2")
    assert not changed
    assert after.content_sha256 == before.content_sha256
    assert after.data_changed_at == before.data_changed_at
    assert after.collected_at == "2026-03-03"
    assert after.fingerprint != before.fingerprint


def test_a_change_of_kept_values_is_one(layout: Layout) -> None:
    hold(layout, ["Ada"])
    write_anonymized(SPEC, layout, run_id="r1")
    hold(layout, ["Ada", "Léa"])
    assert write_anonymized(SPEC, layout, run_id="r2")[1]


def test_nothing_validated_is_an_error_that_names_the_source(layout: Layout) -> None:
    with pytest.raises(FileNotFoundError, match="town_people: no validated data"):
        write_anonymized(SPEC, layout, run_id="r1")


def test_the_fingerprint_follows_the_rules(layout: Layout) -> None:
    hold(layout, ["Ada"])
    state = read_state(ValidatedState, layout.validated(SPEC.id))
    assert state is not None
    stricter = SourceSpec.model_construct(
        id=SPEC.id,
        columns=(column("id", "integer", "drop"), column("name", "text", "drop")),
    )
    assert anonymization_fingerprint(SPEC, state) != anonymization_fingerprint(
        stricter, state
    )
