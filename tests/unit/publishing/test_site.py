"""What the page shows, and when it has little to show."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lxml import html

from lrtzc_pipelines.publishing.site import build_site

if TYPE_CHECKING:
    from conftest import ReleaseFile

    Render = Callable[[ReleaseFile], str]

TABLES = (
    "ref_commune",
    "ref_commune_outline",
    "mart_parking_occupancy_hourly",
    "mart_bike_station_status",
    "fct_carbon_ledger",
    "meta.release",
    "meta.source_status",
)


def words(page: str) -> str:
    return re.sub(r"\s+", " ", str(html.fromstring(page).text_content()))


def test_page_is_written_where_asked(release: ReleaseFile, tmp_path: Path) -> None:
    path = build_site(release.path, tmp_path / "new" / "site")
    assert path == tmp_path / "new" / "site" / "index.html"
    assert [item.name for item in path.parent.iterdir()] == ["index.html"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_page_is_the_same_when_built_again(
    release: ReleaseFile, render: Render
) -> None:
    assert render(release) == render(release)


def test_warehouse_is_left_as_it_was(release: ReleaseFile, render: Render) -> None:
    before = release.path.read_bytes()
    render(release)
    assert release.path.read_bytes() == before


@pytest.mark.parametrize(
    "fact",
    [
        "22\u202f970",
        "tCO₂e",
        "entre 20\u202f673 et 25\u202f267 tCO₂e",
        "441\u202f736\u00a0MWh en 2023",
        "0,052\u00a0kgCO₂e/kWh, année 2022",
        "ADEME, Base Carbone",
        "electricity_average_mix_location_based",
        "valeur calculée",
        "±\u00a010\u202f%",
        "Une figure ne paraît jamais sans unité, année, méthode et source",
    ],
)
def test_key_figure_is_never_bare(tree: Any, fact: str) -> None:
    section = tree.get_element_by_id("electricite")
    assert fact in str(section.text_content())


def test_figure_of_another_territory_is_not_shown(
    empty_release: ReleaseFile, render: Render
) -> None:
    empty_release.add("fct_carbon_ledger", area_code="17300", result_tco2e=12345.0)
    assert "12\u202f345" not in render(empty_release)


def test_missing_result_is_not_a_zero(
    empty_release: ReleaseFile, render: Render
) -> None:
    empty_release.add(
        "fct_carbon_ledger",
        result_tco2e=None,
        result_low_tco2e=None,
        result_high_tco2e=None,
        result_state="secret",
    )
    section = html.fromstring(render(empty_release)).get_element_by_id("electricite")
    assert section.find_class("value")[0].text == "n.\u00a0d."
    assert "secret statistique" in str(section.text_content())


def test_newest_year_is_the_headline(
    empty_release: ReleaseFile, render: Render
) -> None:
    empty_release.add("fct_carbon_ledger", year=2022, result_tco2e=111.0)
    empty_release.add("fct_carbon_ledger", year=2024, result_tco2e=222.0)
    section = html.fromstring(render(empty_release)).get_element_by_id("electricite")
    assert section.find_class("value")[0].text == "222"


@pytest.mark.parametrize("table", TABLES)
def test_any_table_may_be_empty(
    release: ReleaseFile, render: Render, table: str
) -> None:
    release.execute(f"delete from {table}")
    assert "</html>" in render(release)


def test_release_without_any_row_says_what_is_missing(
    empty_release: ReleaseFile, render: Render
) -> None:
    page = render(empty_release)
    assert page.count("Pas encore collecté.") == 3
    assert "<svg" not in page


def test_source_never_collected_is_said_in_its_section(
    release: ReleaseFile, render: Render
) -> None:
    release.execute("delete from mart_bike_station_status")
    release.execute(
        "update meta.source_status set origin = 'absent', row_count = 0 "
        "where source_id = 'yelo_bike_stations'"
    )
    section = html.fromstring(render(release)).get_element_by_id("velos")
    assert "Pas encore collecté." in str(section.text_content())


@pytest.mark.parametrize(
    ("origin", "warning"),
    [
        ("sandbox", "Données de démonstration, générées : ne pas citer"),
        ("mixed", "Données de démonstration, générées : ne pas citer"),
        ("replay", "Réponses réelles rejouées, non actualisées"),
    ],
)
def test_warning_comes_first(
    empty_release: ReleaseFile, render: Render, origin: str, warning: str
) -> None:
    page = render(empty_release.fill(origin))
    assert warning in page
    assert page.index(warning) < page.index("<h1>")
    assert 'name="robots" content="noindex"' in page


def test_live_page_has_no_warning(page: str) -> None:
    assert 'class="banner"' not in page
    assert "noindex" not in page


@pytest.mark.parametrize(
    ("origin", "note"),
    [
        ("sandbox", "Contours schématiques, tracés depuis la position des mairies"),
        ("live", "Contours : IGN / Etalab"),
    ],
)
def test_outlines_say_where_they_come_from(
    empty_release: ReleaseFile, render: Render, origin: str, note: str
) -> None:
    assert note in render(empty_release.fill(origin))


def test_release_files_are_linked_beside_the_page(tree: Any) -> None:
    links = tree.xpath("//footer//a/@href")
    assert {"../lrtzc.duckdb", "../parquet/", "../manifest.json", "../SHA256SUMS"} <= {
        *links
    }


def test_times_are_in_paris(page: str) -> None:
    assert "Édition du 2 juillet 2025 à 0 h 30 (heure de Paris)" in words(page)


def test_capacity_stands_beside_each_car_park(tree: Any) -> None:
    captions = tree.xpath("//*[@id='stationnement']//figcaption")
    assert [str(item.text_content()) for item in captions] == [
        "Parking 1 100\u00a0places",
        "Parking 2 200\u00a0places",
    ] * 2


def test_gap_in_the_measurements_is_a_gap_in_the_line(
    empty_release: ReleaseFile, render: Render
) -> None:
    empty_release.add_hours(days=40, car_parks=1)
    empty_release.execute(
        "delete from mart_parking_occupancy_hourly where hour_start_at between "
        "timestamptz '2025-06-10 00:00:00+02' and timestamptz '2025-06-12 23:00:00+02'"
    )
    tree = html.fromstring(render(empty_release))
    (path,) = tree.xpath("(//*[@id='stationnement']//svg)[1]//path[@class!='mark']/@d")[
        -1:
    ]
    assert path.count("M") == 2


def test_years_of_hours_stay_light(empty_release: ReleaseFile, render: Render) -> None:
    empty_release.fill()
    empty_release.execute("delete from mart_parking_occupancy_hourly")
    empty_release.add_hours(days=700, car_parks=6)
    assert len(render(empty_release).encode()) < 400_000


def test_decade_of_hours_stays_light(
    empty_release: ReleaseFile, render: Render
) -> None:
    empty_release.add_hours(days=3800, car_parks=8)
    page = render(empty_release)
    assert len(page.encode()) < 400_000
    assert "moyenne par semaine" in page
