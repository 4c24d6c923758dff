"""`lrtzc query`: reads the release, and nothing but the release."""

from __future__ import annotations

from pathlib import Path

import pytest


def test_without_a_release_it_says_what_to_run(lrtzc) -> None:
    said = lrtzc("query", "select 1")
    assert (said.code, said.out) == (1, "")
    assert said.err == (
        "error: no release yet: run `lrtzc demo` or `lrtzc refresh` first\n"
    )


def test_json_is_a_list_of_objects(lrtzc, published) -> None:
    said = lrtzc("query", "from ref_essai order by n", "--json")
    assert said.code == 0
    assert said.rows == [{"n": 1, "t": "é"}, {"n": 2, "t": None}]


def test_csv_has_a_header(lrtzc, published) -> None:
    said = lrtzc("query", "from ref_essai order by n", "--csv")
    assert said.out == "n,t\n1,é\n2,\n"


def test_a_table_shows_the_values(lrtzc, published) -> None:
    assert "é" in lrtzc("query", "from ref_essai").out


@pytest.mark.parametrize(
    "sql",
    [
        "from read_csv('{path}')",
        "from read_text('{path}')",
        "from '{path}'",
        "copy ref_essai to '{path}'",
        "attach '{path}' as other",
        "set enable_external_access = true",
        "install httpfs",
    ],
)
def test_no_query_reaches_another_file(
    lrtzc, published, tmp_path: Path, sql: str
) -> None:
    path = tmp_path / "secret.csv"
    path.write_text("word\nconfidential\n")
    said = lrtzc("query", sql.format(path=path))
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("error: ")
    assert "confidential" not in said.err
    assert path.read_text() == "word\nconfidential\n"


def test_a_query_changes_nothing(lrtzc, published) -> None:
    said = lrtzc("query", "delete from ref_essai")
    assert said.code == 1
    assert "read-only" in said.err
    assert lrtzc("query", "select count(*) n from ref_essai", "--json").rows == [
        {"n": 2}
    ]


def test_a_mistake_in_sql_is_told_in_duckdbs_words(lrtzc, published) -> None:
    said = lrtzc("query", "selec 1")
    assert said.code == 1
    assert "syntax error" in said.err
    assert "Traceback" not in said.err
