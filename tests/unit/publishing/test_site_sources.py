"""Warning, freshness and citation of the page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lrtzc_pipelines.publishing.site_data import Release, SourceStatus
from lrtzc_pipelines.publishing.site_sources import (
    DEMONSTRATION,
    REPLAYED,
    banner,
    days_late,
    edition,
    empty_note,
    source_groups,
    source_note,
)

NOW = datetime(2025, 7, 1, 12, tzinfo=UTC)


def source(**changes: Any) -> SourceStatus:
    values: dict[str, Any] = {
        "source_id": "a_b",
        "title": "Titre",
        "producer": "Producteur",
        "licence": "etalab-2.0",
        "homepage": "https://a.fr/",
        "axis": 5,
        "origin": "live",
        "row_count": 10,
        "quarantined_count": 0,
        "collected_at": NOW,
        "data_changed_at": NOW,
        "freshness_days": 14,
    }
    return SourceStatus(**(values | changes))


ABSENT = source(
    origin="absent",
    row_count=0,
    collected_at=None,
    data_changed_at=None,
)


@pytest.mark.parametrize(
    ("origin", "sources", "title"),
    [
        ("sandbox", ["sandbox"], DEMONSTRATION),
        ("replay", ["replay"], REPLAYED),
        ("mixed", ["live", "sandbox"], DEMONSTRATION),
        ("mixed", ["live", "replay", "sandbox"], DEMONSTRATION),
        ("mixed", ["live", "replay"], REPLAYED),
        ("mixed", ["live", "strange"], DEMONSTRATION),
        ("strange", ["live"], DEMONSTRATION),
        (None, [], DEMONSTRATION),
        ("absent", ["absent"], "Édition vide"),
    ],
)
def test_anything_but_live_has_a_warning(
    origin: str | None, sources: list[str], title: str
) -> None:
    found = banner(Release(origin=origin), [source(origin=o) for o in sources])
    assert found is not None
    assert found.title == title


def test_live_release_has_no_warning() -> None:
    assert banner(Release(origin="live"), [source(), ABSENT]) is None


@pytest.mark.parametrize(
    ("age", "late"),
    [
        (timedelta(0), 0),
        (timedelta(days=14), 0),
        (timedelta(days=14, seconds=1), 1),
        (timedelta(days=16), 2),
        (timedelta(days=-3), 0),
    ],
)
def test_days_late_counts_from_the_promise(age: timedelta, late: int) -> None:
    assert days_late(source(data_changed_at=NOW - age), NOW) == late


@pytest.mark.parametrize("unknown", ["data_changed_at", "freshness_days"])
def test_lateness_is_unknown_without_its_facts(unknown: str) -> None:
    assert days_late(source(**{unknown: None}), NOW) is None


def test_fresh_source_is_up_to_date() -> None:
    ((_, (row,)),) = source_groups([source()], NOW)
    assert (row.freshness, row.is_late, row.state) == ("à jour", False, "Publié")


def test_late_source_says_by_how_many_days() -> None:
    ((_, (row,)),) = source_groups(
        [source(data_changed_at=NOW - timedelta(days=17))], NOW
    )
    assert (row.freshness, row.is_late) == ("en retard de 3\u00a0j", True)


def test_absent_source_shows_no_zero() -> None:
    ((_, (row,)),) = source_groups([ABSENT], NOW)
    assert row.state == "Pas encore collecté"
    assert {row.row_count, row.quarantined_count, row.data_date} == {"\u2013"}


def test_source_without_a_published_row_is_told_from_an_absent_one() -> None:
    ((_, (row,)),) = source_groups([source(row_count=0)], NOW)
    assert row.state == "Collecté, aucune ligne publiée"
    assert empty_note(source(row_count=0)).startswith("Collecté")
    assert empty_note(ABSENT) == empty_note(None) == "Pas encore collecté."


def test_sources_stand_under_their_axes() -> None:
    sources = [source(axis=1), source(axis=5), source(axis=5), source(axis=None)]
    groups = source_groups(sources, NOW)
    assert [(axis[:2], len(rows)) for axis, rows in groups] == [
        ("1.", 1),
        ("5.", 2),
        ("n.", 1),
    ]


def test_what_is_not_released_is_not_said_to_be_published() -> None:
    ((_, (row,)),) = source_groups([source(is_released=False)], NOW)
    assert (row.state, row.row_count) == ("Collecté, non diffusé", "\u2013")


def test_quarantined_rows_show_in_the_state() -> None:
    ((_, (row,)),) = source_groups([source(quarantined_count=2)], NOW)
    assert row.state == "Publié, lignes écartées"


def test_note_names_source_producer_licence_and_version() -> None:
    assert source_note(source()) == (
        "Titre, Producteur, Licence Ouverte 2.0, version du 1er\u00a0juillet 2025."
    )


def test_note_tells_generated_data() -> None:
    assert "générée" in source_note(source(origin="sandbox"))


def test_note_of_an_unknown_source_is_empty() -> None:
    assert source_note(None) == ""


def test_live_edition_can_be_cited() -> None:
    found = edition(Release("id-1", NOW, "0.1", "ab", "live"), [source()])
    assert "édition id-1 du 1er\u00a0juillet 2025" in found.citation
    assert [name for name, _ in found.licences] == ["Licence Ouverte 2.0"]


def test_demonstration_cannot_be_cited() -> None:
    found = edition(Release("id-1", NOW, "0.1", "ab", "sandbox"), [source()])
    assert "à ne pas citer" in found.citation


def test_licence_of_an_absent_source_is_not_listed() -> None:
    assert edition(Release(origin="live"), [ABSENT]).licences == []
