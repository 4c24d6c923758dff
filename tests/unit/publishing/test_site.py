"""The page as a whole: content, safety, structure, weight."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lxml import html

from lrtzc_pipelines.publishing.site import build_site

if TYPE_CHECKING:
    from conftest import ReleaseFile

    Render = Callable[[ReleaseFile], str]

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}
HOSTILE = "<script>alert(\"x\")</script>'&\u202eא\u2066"
TABLES = (
    "ref_commune",
    "ref_commune_outline",
    "mart_parking_occupancy_hourly",
    "mart_bike_station_status",
    "fct_carbon_ledger",
    "meta.release",
    "meta.source_status",
)


class Nesting(HTMLParser):
    """Collects the tags that are not closed where they should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"attribute twice in {tag}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(
        self, tag: str, attrs: list[tuple[str, str | None]]
    ) -> None:
        """Self-closed SVG elements open nothing."""

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"stray </{tag}>")


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
def test_key_figure_is_never_bare(
    release: ReleaseFile, render: Render, fact: str
) -> None:
    section = html.fromstring(render(release)).get_element_by_id("electricite")
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


def test_live_page_has_no_warning(release: ReleaseFile, render: Render) -> None:
    page = render(release)
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


def test_release_files_are_linked_beside_the_page(
    release: ReleaseFile, render: Render
) -> None:
    links = html.fromstring(render(release)).xpath("//footer//a/@href")
    assert {"../lrtzc.duckdb", "../parquet/", "../manifest.json", "../SHA256SUMS"} <= {
        *links
    }


def test_times_are_in_paris(release: ReleaseFile, render: Render) -> None:
    assert "Édition du 2 juillet 2025 à 0 h 30 (heure de Paris)" in words(
        render(release)
    )


def test_capacity_stands_beside_each_car_park(
    release: ReleaseFile, render: Render
) -> None:
    page = html.fromstring(render(release))
    captions = page.xpath("//*[@id='stationnement']//figcaption")
    assert [str(item.text_content()) for item in captions] == [
        "Parking 1 100\u00a0places",
        "Parking 2 200\u00a0places",
    ] * 2


@pytest.fixture
def hostile_page(release: ReleaseFile, render: Render) -> str:
    text = HOSTILE.replace("'", "''")
    for table, columns in {
        "ref_commune": ("commune_name",),
        "ref_commune_outline": ("commune_name", "commune_code"),
        "mart_parking_occupancy_hourly": ("parking_name",),
        "mart_bike_station_status": ("station_name", "station_id"),
        "fct_carbon_ledger": (
            *("area_name", "activity_unit", "activity_state", "factor_unit"),
            *("factor_source", "method", "result_state"),
        ),
        "meta.release": (
            *("release_id", "code_version", "inputs_sha256", "origin"),
        ),
        "meta.source_status": ("title", "producer", "licence", "homepage"),
    }.items():
        changes = ", ".join(f"{column} = '{text}'" for column in columns)
        release.execute(f"update {table} set {changes}")
    return render(release)


def test_hostile_text_is_escaped(hostile_page: str) -> None:
    assert "&lt;script&gt;" in hostile_page
    assert not html.fromstring(hostile_page).xpath("//script")
    assert "<script" not in hostile_page


def test_hostile_text_adds_no_attribute(hostile_page: str) -> None:
    attributes = html.fromstring(hostile_page).xpath("//@*")
    names = {item.attrname for item in attributes}
    assert not [name for name in names if name.startswith("on") or name == "style"]


def test_hostile_text_cannot_turn_the_page_around(hostile_page: str) -> None:
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069]", hostile_page)
    assert "א" in hostile_page


def test_hostile_page_stays_well_nested(hostile_page: str) -> None:
    check = Nesting()
    check.feed(hostile_page)
    assert (check.faults, check.open) == ([], [])


def test_script_address_is_not_a_link(release: ReleaseFile, render: Render) -> None:
    release.execute("update meta.source_status set homepage = 'javascript:alert(1)'")
    assert "javascript:" not in render(release)


def test_page_is_well_nested(release: ReleaseFile, render: Render) -> None:
    check = Nesting()
    check.feed(render(release))
    assert (check.faults, check.open) == ([], [])


def test_page_asks_nothing_of_anyone(release: ReleaseFile, render: Render) -> None:
    page = render(release)
    tree = html.fromstring(page)
    assert not tree.xpath("//@src | //@srcset | //@action | //@data | //@poster")
    assert tree.xpath("//link/@href") == ["data:,"]
    assert not re.search(r"@import|url\(|@font-face|xlink|<script|<iframe", page)


def test_policy_allows_the_style_sheet_and_nothing_else(
    release: ReleaseFile, render: Render
) -> None:
    import base64
    import hashlib

    page = render(release)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = html.fromstring(page).xpath(
        "//meta[@http-equiv='Content-Security-Policy']/@content"
    )
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_page_speaks_french_and_fits_a_phone(
    release: ReleaseFile, render: Render
) -> None:
    tree = html.fromstring(render(release))
    assert tree.get("lang") == "fr"
    assert tree.xpath("//meta[@name='viewport']/@content") == [
        "width=device-width, initial-scale=1"
    ]


def test_landmarks_and_skip_link(release: ReleaseFile, render: Render) -> None:
    tree = html.fromstring(render(release))
    assert all(len(tree.findall(f".//{tag}")) == 1 for tag in ("main", "nav"))
    assert len(tree.xpath("/html/body/header | /html/body/footer")) == 2
    first = tree.xpath("//a")[0]
    assert first.get("href") == f"#{tree.find('.//main').get('id')}"


def test_headings_go_down_one_step_at_a_time(
    release: ReleaseFile, render: Render
) -> None:
    found = html.fromstring(render(release)).xpath("//h1|//h2|//h3|//h4|//h5|//h6")
    levels = [int(item.tag[1]) for item in found]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False))


def test_every_drawing_has_a_title(release: ReleaseFile, render: Render) -> None:
    drawings = html.fromstring(render(release)).xpath("//svg")
    assert drawings
    assert all(drawing.findtext("title") for drawing in drawings)


def test_every_chart_is_described(release: ReleaseFile, render: Render) -> None:
    tree = html.fromstring(render(release))
    charts = tree.xpath("//svg[not(@aria-hidden)]")
    assert charts
    for chart in charts:
        assert chart.get("role") == "img"
        for reference in chart.get("aria-labelledby").split():
            assert tree.get_element_by_id(reference).text


def test_every_group_of_charts_has_its_table(
    release: ReleaseFile, render: Render
) -> None:
    tables = html.fromstring(render(release)).xpath("//details//table")
    assert len(tables) == 4
    assert all(table.findtext("caption") for table in tables)


def test_every_header_cell_has_a_scope(release: ReleaseFile, render: Render) -> None:
    cells = html.fromstring(render(release)).xpath("//th")
    assert cells
    assert {cell.get("scope") for cell in cells} == {"col", "row", "rowgroup"}


def test_identifiers_are_unique_and_references_resolve(
    release: ReleaseFile, render: Render
) -> None:
    tree = html.fromstring(render(release))
    found = Counter(tree.xpath("//@id"))
    assert max(found.values()) == 1
    wanted = " ".join(tree.xpath("//@aria-labelledby")).split()
    wanted += [link[1:] for link in tree.xpath("//a/@href") if link.startswith("#")]
    assert set(wanted) <= set(found)


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


def contrast(first: str, second: str) -> float:
    def luminance(color: str) -> float:
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (
            p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        *((ink, "page") for ink in ("ink", "muted", "sea", "marsh", "clay")),
        *((ink, "surface") for ink in ("ink", "muted", "sea")),
        ("ink", "land"),
        ("warn-ink", "warn-page"),
    ],
)
def test_text_stands_out(
    release: ReleaseFile, render: Render, scheme: int, ink: str, ground: str
) -> None:
    blocks = re.findall(r":root \{(.*?)\}", render(release), re.DOTALL)
    colors: dict[str, str] = {}
    for block in (blocks[0], blocks[scheme]):
        colors |= dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))
    assert len(blocks) == 3
    assert contrast(colors[ink], colors[ground]) >= 4.5
