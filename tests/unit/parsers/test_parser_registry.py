"""What is added to every page of a source, whatever its format."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.registry import PAGE, ROW, parse
from lrtzc_pipelines.raw_store import StoredPage
from lrtzc_pipelines.sources.spec import SourceSpec

LINES = ("Lagord;Solaire;9", "Lagord;Solaire;3", "Lagord;Eolien;3", "Lagord;Solaire;3")


def register(*key: str) -> SourceSpec:
    """A register of plants in which only their number tells some apart."""
    common = {"type": "text", "description": "Valeur.", "privacy": "keep"}
    columns = [
        {"name": name, "source": source, "required": name in key} | common
        for name, source in (
            ("commune_name", "commune"),
            ("sector", "filiere"),
            ("power_kw", "puissance"),
            ("occurrence", "nth"),
        )
    ]
    values: dict[str, Any] = {
        "id": "town_plants",
        "title": "Installations",
        "description": "Installations inventées pour un test.",
        "producer": "Ville",
        "homepage": "https://ville.example/",
        "licence": "etalab-2.0",
        "tier": "open",
        "axis": 4,
        "theme": "energy",
        "owner": "team:donnees",
        "endpoint": "town_hall",
        "connector": {"kind": "http_file", "path": "x"},
        "format": {"kind": "csv", "occurrence_column": "nth"},
        "cadence": "monthly",
        "primary_key": key,
        "freshness_days": 2,
        "raw_retention_days": 2,
        "columns": columns,
    }
    return SourceSpec.model_validate(values)


def numbered(spec: SourceSpec, *lines: str) -> set[tuple[str, ...]]:
    body = "\n".join(("commune;filiere;puissance", *lines)).encode()
    page = StoredPage("file", "csv", "0", "0", len(body))
    (frame,) = parse(spec, [(page, body)])
    return set(frame.select("commune", "filiere", "puissance", "nth").rows())


def test_rows_of_equal_key_are_numbered_in_the_order_of_their_values() -> None:
    spec = register("commune_name", "sector", "occurrence")
    assert numbered(spec, *LINES) == {
        ("Lagord", "Eolien", "3", "1"),
        ("Lagord", "Solaire", "3", "1"),
        ("Lagord", "Solaire", "3", "2"),
        ("Lagord", "Solaire", "9", "3"),
    }


def test_the_order_of_a_file_numbers_nothing() -> None:
    spec = register("commune_name", "sector", "occurrence")
    first = numbered(spec, *LINES)
    assert all(numbered(spec, *lines) == first for lines in permutations(LINES))


@pytest.mark.parametrize(
    "key", [("occurrence",), ("commune_name", "sector", "power_kw", "occurrence")]
)
def test_only_equal_rows_are_numbered_where_the_key_is_the_row(
    key: tuple[str, ...],
) -> None:
    assert numbered(register(*key), *LINES) == {
        ("Lagord", "Eolien", "3", "1"),
        ("Lagord", "Solaire", "3", "1"),
        ("Lagord", "Solaire", "3", "2"),
        ("Lagord", "Solaire", "9", "1"),
    }


def test_a_file_without_rows_has_none_to_number() -> None:
    assert numbered(register("commune_name", "occurrence")) == set()


def frames(*bodies: bytes) -> list[list[str]]:
    """The columns of each frame that pages of a register come in."""
    pages = [
        (StoredPage(f"page-{n}", "csv", "0", "0", len(body)), body)
        for n, body in enumerate(bodies)
    ]
    spec = register("commune_name", "occurrence")
    return [sorted(set(f.columns) - {PAGE, ROW, "nth"}) for f in parse(spec, pages)]


def test_neighbours_of_the_same_columns_are_one_frame() -> None:
    assert frames(b"a;b\n1;2\n", b"b;a\n3;4\n") == [["a", "b"]]


def test_a_page_of_other_columns_is_not_filled_up_from_its_neighbours() -> None:
    found = frames(b"a;b\n1;2\n", b"a;c\n3;4\n", b"a;b\n5;6\n")
    assert found == [["a", "b"], ["a", "c"], ["a", "b"]]


def test_a_page_nested_too_deeply_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def too_deep(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("lrtzc_pipelines.parsers.delimited.parse_csv", too_deep)
    with pytest.raises(ParseError, match="town_plants: page page-0: nested too deeply"):
        frames(b"a;b\n1;2\n")
