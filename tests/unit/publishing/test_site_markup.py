"""Safety and structure of the page's markup."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from lxml import html

if TYPE_CHECKING:
    from conftest import ReleaseFile

    Render = Callable[[ReleaseFile], str]

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}
HOSTILE = '<script>alert("x")</script>\'&\u202eא\u2066'


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

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Self-closed SVG elements open nothing."""

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"stray </{tag}>")


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
        "meta.release": (*("release_id", "code_version", "inputs_sha256", "origin"),),
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


def test_page_is_well_nested(page: str) -> None:
    check = Nesting()
    check.feed(page)
    assert (check.faults, check.open) == ([], [])


def test_page_asks_nothing_of_anyone(page: str) -> None:
    tree = html.fromstring(page)
    assert not tree.xpath("//@src | //@srcset | //@action | //@data | //@poster")
    assert tree.xpath("//link/@href") == ["data:,"]
    assert not re.search(r"@import|url\(|@font-face|xlink|<script|<iframe", page)


def test_policy_allows_the_style_sheet_and_nothing_else(page: str) -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = html.fromstring(page).xpath(
        "//meta[@http-equiv='Content-Security-Policy']/@content"
    )
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_page_speaks_french_and_fits_a_phone(tree: Any) -> None:
    assert tree.get("lang") == "fr"
    assert tree.xpath("//meta[@name='viewport']/@content") == [
        "width=device-width, initial-scale=1"
    ]


def test_landmarks_and_skip_link(tree: Any) -> None:
    assert all(len(tree.findall(f".//{tag}")) == 1 for tag in ("main", "nav"))
    assert len(tree.xpath("/html/body/header | /html/body/footer")) == 2
    first = tree.xpath("//a")[0]
    assert first.get("href") == f"#{tree.find('.//main').get('id')}"


def test_headings_go_down_one_step_at_a_time(tree: Any) -> None:
    found = tree.xpath("//h1|//h2|//h3|//h4|//h5|//h6")
    levels = [int(item.tag[1]) for item in found]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_every_drawing_has_a_title(tree: Any) -> None:
    drawings = tree.xpath("//svg")
    assert drawings
    assert all(drawing.findtext("title") for drawing in drawings)


def test_every_chart_is_described(tree: Any) -> None:
    charts = tree.xpath("//svg[not(@aria-hidden)]")
    assert charts
    for chart in charts:
        assert chart.get("role") == "img"
        for reference in chart.get("aria-labelledby").split():
            assert tree.get_element_by_id(reference).text


def test_every_group_of_charts_has_its_table(tree: Any) -> None:
    tables = tree.xpath("//details//table")
    assert len(tables) == 4
    assert all(table.findtext("caption") for table in tables)


def test_every_header_cell_has_a_scope(tree: Any) -> None:
    cells = tree.xpath("//th")
    assert cells
    assert {cell.get("scope") for cell in cells} == {"col", "row", "rowgroup"}


def test_identifiers_are_unique_and_references_resolve(tree: Any) -> None:
    found = Counter(tree.xpath("//@id"))
    assert max(found.values()) == 1
    wanted = " ".join(tree.xpath("//@aria-labelledby")).split()
    wanted += [link[1:] for link in tree.xpath("//a/@href") if link.startswith("#")]
    assert set(wanted) <= set(found)


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
def test_text_stands_out(page: str, scheme: int, ink: str, ground: str) -> None:
    blocks = re.findall(r":root \{(.*?)\}", page, re.DOTALL)
    colors: dict[str, str] = {}
    for block in (blocks[0], blocks[scheme]):
        colors |= dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))
    assert len(blocks) == 3
    assert contrast(colors[ink], colors[ground]) >= 4.5
