"""Tables of codes: each code has one group at each level, and all are as published."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from lrtzc_pipelines.privacy import code_tables
from lrtzc_pipelines.privacy.code_tables import CodeTable, code_table, tables_digest
from lrtzc_pipelines.sandbox.territory import COMMUNES

FOLDER = Path(code_tables.__file__).parent / "hierarchy_tables"
REAL = Path(__file__).parents[4] / "shared" / "real" / "larochelle_webservice_xml"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def table(**changes: Any) -> CodeTable:
    told: dict[str, Any] = {
        "title": "Quartiers",
        "source": "Une source",
        "year": 2020,
        "levels": [{"name": "ward"}, {"name": "town"}],
        "rows": [{"codes": ["a", "b"], "groups": ["w", "t"]}],
    }
    return CodeTable.model_validate(told | changes)


@pytest.mark.parametrize("name", NAMES)
def test_every_table_of_the_package_is_right_in_itself(name: str) -> None:
    found = code_table(name)
    assert found.rows
    assert found.level_names


def test_the_communes_are_those_of_the_territory() -> None:
    communes = code_table("iris").labels("commune")
    assert sorted(communes.values()) == sorted(c.code for c in COMMUNES)


def test_divisions_fall_into_the_sections_of_2008() -> None:
    sections = code_table("naf_2008").labels("section")
    assert len(sections) == 88
    assert sorted(set(sections.values())) == list("ABCDEFGHIJKLMNOPQRSTU")
    assert [sections[c] for c in ("33", "47", "63", "82")] == ["C", "G", "J", "N"]
    # Sections follow each other as divisions do.
    ordered = [sections[code] for code in sorted(sections)]
    assert ordered == sorted(ordered)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rows": [{"codes": ["a", "a"], "groups": ["w", "t"]}]}, "stand twice: a"),
        (
            {"rows": [{"codes": ["a"], "groups": ["w"]}]},
            "each row names its ward, town",
        ),
        ({"key_characters": 2}, "codes are not of 2 characters: a, b"),
        (
            {
                "rows": [
                    {"codes": ["a"], "groups": ["w", "t"]},
                    {"codes": ["b"], "groups": ["w", "u"]},
                ]
            },
            "w has two groups at level town",
        ),
    ],
)
def test_a_table_that_is_wrong_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        table(**changes)


def test_a_level_that_there_is_not_is_told() -> None:
    with pytest.raises(ValueError, match="has no level county"):
        table().labels("county")
    with pytest.raises(ValueError, match="'nowhere' is no table"):
        code_table("nowhere")


def test_what_a_table_says_is_in_its_digest() -> None:
    assert tables_digest(["iris", "naf_2008"]) == tables_digest(["naf_2008", "iris"])
    assert tables_digest(["iris"]) != tables_digest(["naf_2008"])


def _iris_of_the_city() -> list[dict[str, str]]:
    rows = ET.parse(REAL / "insee-iris_2008.xml").getroot().iter("row")
    return [{cell.tag: str(cell.text).strip('"') for cell in row} for row in rows]


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")
def test_large_quarters_are_written_in_the_codes_of_their_iris() -> None:
    rows = _iris_of_the_city()
    assert len(rows) == 31
    assert all(row["IRIS"][:7] == row["GRD_QUART"] for row in rows)


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")
def test_the_triris_of_the_city_are_a_table_but_not_above_its_quarters() -> None:
    rows = _iris_of_the_city()
    told: dict[str, Any] = {
        "key_characters": 9,
        "rows": [{"codes": [r["IRIS"]], "groups": [r["TRIRIS"]]} for r in rows],
    }
    triris, commune = {"name": "triris"}, {"name": "commune", "characters": 5}
    found = table(**told, levels=[triris, commune])
    assert len(set(found.labels("triris").values())) == 9
    assert set(found.labels("commune").values()) == {"17300"}
    quarter = {"name": "large_quarter", "characters": 7}
    with pytest.raises(ValueError, match="has two groups at level triris"):
        table(**told, levels=[quarter, triris, commune])
