"""A table through its source's own line: every fault is told, and where it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from partner import COMPANY, NOW, TRIPS, channel, places, row, table, workbook

from lrtzc_pipelines.conforming import Conformed
from lrtzc_pipelines.deposits import checking
from lrtzc_pipelines.deposits.checking import Verdict, check
from lrtzc_pipelines.deposits.contents import read_content
from lrtzc_pipelines.deposits.records import Content
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.expectations.suites import Suite
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.raw_store import RawStore, Snapshot, StoredPage, Writer
from lrtzc_pipelines.validating import Validated, validate

CHANNEL = channel()


def content(*rows: Sequence[Any]) -> Content:
    return read_content("mars.csv", table(*rows), CHANNEL, COMPANY)


def verdict(*rows: Sequence[Any], now: datetime = NOW) -> Verdict:
    return check(content(*rows), CHANNEL, now)


def trips(*rows: Sequence[str], now: datetime = NOW) -> Verdict:
    mobility = channel(TRIPS)
    headings = [str(c.source) for c in mobility.spec.columns[1:]]
    body = "\n".join(";".join(cells) for cells in [headings, *rows]).encode()
    return check(read_content("a.csv", body, mobility, "velo"), mobility, now)


def trip(number: int = 1, departed: str = "2026-03-01 08:30:00") -> list[str]:
    return [f"t{number}", "", "17300", "", "", "17010", departed]


def test_a_good_table_is_accepted_with_its_rows_and_periods() -> None:
    found = verdict(row(1), row(2, month="2026-02-14"), row(3, month="2026-03-31"))
    assert found == Verdict((), 3, (date(2026, 2, 1), date(2026, 3, 1)))


def test_every_fault_of_every_row_is_told_at_once() -> None:
    found = verdict(
        row(1),
        row(2, tonnes="beaucoup", code="50101", siret="123"),
        row(3, tonnes="", month="mars 2026"),
        row(4, commune="La Rochelle", treatment="recyclage"),
        row(5, tonnes="-3"),
    )
    told = [(p.column, p.rows, p.why) for p in found.problems]
    assert told == [
        ("« tonnes »", (3,), "la valeur n'est pas un nombre"),
        ("« siret »", (3,), "la valeur ne convient pas"),
        ("« code_dechet »", (3,), "la valeur ne convient pas"),
        ("« mois »", (4,), "la date ne peut pas être lue"),
        ("« tonnes »", (4,), "la valeur manque"),
        ("« code_traitement »", (5,), "la valeur ne convient pas"),
        ("« code_commune »", (5,), "la valeur ne convient pas"),
        ("« tonnes »", (6,), "la valeur ne convient pas"),
    ]
    assert (found.row_count, found.periods, found.remarks) == (0, (), ())


def test_however_many_rows_are_wrong_all_are_counted() -> None:
    found = verdict(*(row(n, tonnes="x", code="9") for n in range(1, 41)))
    assert [(p.count, p.rows) for p in found.problems] == [
        (40, tuple(range(2, 12))),
        (40, tuple(range(2, 12))),
    ]
    assert "lignes 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 et 30 autres" in (
        found.problems[0].place
    )


def test_equal_rows_are_told_each_by_its_own_number() -> None:
    (problem,) = verdict(row(1, tonnes="x"), row(2), row(1, tonnes="x")).problems
    assert problem.rows == (2, 4)


def test_each_correction_is_that_of_the_form() -> None:
    (problem,) = verdict(row(1, code="050101x")).problems
    assert problem.fix == CHANNEL.form.corrections["waste_code_is_one"]


def test_no_value_of_the_file_is_repeated() -> None:
    found = verdict(
        row(1, siret="DUPONT", commune="Rue X", tonnes="Jean", month="Paul", naf="Eve")
    )
    said = "".join(problem.model_dump_json() for problem in found.problems)
    assert not [name for name in ("DUPONT", "Rue X", "Jean", "Paul") if name in said]


def test_repeats_count_once_and_are_told() -> None:
    found = verdict(row(1), row(2), row(1), row(1, tonnes="12,50"))
    assert (found.row_count, found.problems) == (2, ())
    (remark,) = found.remarks
    assert remark.startswith("Lignes 4 et 5 : identiques à une ligne précédente")


def test_a_single_repeat_is_told_in_the_singular() -> None:
    (remark,) = verdict(row(1), row(1)).remarks
    assert remark.startswith("Ligne 3 : identique à une ligne précédente, comptée une")


def test_rows_that_contradict_each_other_are_all_named() -> None:
    # The platform would keep the first by its values, which here is the last row.
    found = verdict(row(1, tonnes="9"), row(2), row(1, tonnes="8"), row(1, tonnes="7"))
    (problem,) = found.problems
    assert problem.rows == (2, 4, 5)
    assert "mêmes « siret », « mois », « code_dechet » et « code_traitement »" in (
        problem.why
    )
    assert "deposant" not in problem.why


def test_rows_without_a_key_contradict_nobody() -> None:
    found = verdict(row(1, month=""), row(1, month="", tonnes="8"))
    assert [problem.why for problem in found.problems] == ["la valeur manque"]


def test_a_month_that_has_not_come_is_refused() -> None:
    rows = row(1, month="2026-07-10"), row(2, month="2026-07-11")
    (problem,) = verdict(*rows).problems
    assert places([problem]) == [("« mois »", (3,))]
    assert problem.why == "la date est postérieure au dépôt"


def test_a_day_begins_where_the_partner_is() -> None:
    night = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)
    assert verdict(row(1, month="2026-04-01"), now=night).problems == ()
    assert verdict(row(1, month="2026-04-02"), now=night).problems


def test_periods_of_moments_are_reckoned_where_the_partner_is() -> None:
    found = trips(trip(1, "2026-03-31 23:30:00"), trip(2, "2026-04-01 00:30:00"))
    assert found.periods == (date(2026, 3, 1), date(2026, 4, 1))


def test_an_hour_that_does_not_exist_is_refused() -> None:
    (problem,) = trips(trip(1, "2026-03-29 02:30:00")).problems
    assert problem.why == "la date ne peut pas être lue"
    assert "2026-03-01 08:30:00, ou 01/03/2026 08:30" in problem.fix


def test_a_workbooks_dates_may_be_dates() -> None:
    body = workbook(row(1, month="mars"))
    (problem,) = check(
        read_content("mars.xlsx", body, CHANNEL, COMPANY), CHANNEL, NOW
    ).problems
    assert problem.place == "feuille « Registre », ligne 2, colonne « mois »"
    assert "mettez la cellule au format Date" in problem.fix


def test_rows_that_cannot_be_told_are_only_counted() -> None:
    found = content(row(1, tonnes="x"), row(1, tonnes="x"))
    unknown = Content(found.body, (0, 0), "Registre")
    (problem,) = check(unknown, CHANNEL, NOW).problems
    assert (problem.rows, problem.count) == ((), 2)
    repeated = Content(content(row(1), row(1)).body, (0, 0))
    (remark,) = check(repeated, CHANNEL, NOW).remarks
    assert remark.startswith("1 ligne : identique")


def with_expectation(**changes: Any) -> Suite:
    """The suite with an expectation about the table as a whole."""
    item = {
        "type": "expect_table_row_count_to_be_between",
        "kwargs": {"min_value": 2},
        "meta": {"check": "two_rows", "on_failure": "block"},
        "description": "Two rows at least.",
        "severity": "critical",
        **changes,
    }
    first = CHANNEL.suite.model_dump(mode="json")["expectations"]
    return Suite.model_validate({"name": "x", "expectations": [*first, item]})


def judged(suite: Suite, **corrections: str) -> Verdict:
    form = CHANNEL.form.model_copy(
        update={"corrections": {**CHANNEL.form.corrections, **corrections}}
    )
    return check(content(row(1)), type(CHANNEL)(form, CHANNEL.spec, suite), NOW)


def test_a_check_of_the_whole_table_refuses_it() -> None:
    (problem,) = judged(with_expectation(), two_rows="Deux lignes.").problems
    assert problem.place == ""
    assert (problem.why, problem.fix) == (
        "le tableau ne passe pas un contrôle d'ensemble",
        "Deux lignes.",
    )


def test_a_check_that_only_reports_becomes_a_remark() -> None:
    suite = with_expectation(
        meta={"check": "two_rows", "on_failure": "report"}, severity="warning"
    )
    found = judged(suite, two_rows="Deux lignes.")
    assert found.remarks == ("À vérifier : Deux lignes.",)
    assert found.row_count == 1


def test_what_the_platform_alone_would_refuse_is_nobodys_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = checking.conform

    def refusing(*arguments: Any) -> Conformed:
        found = real(*arguments)
        line = pl.DataFrame({"rule": ["new_rule"]})
        return Conformed(found.rows, line, found.continuity, (), {})

    monkeypatch.setattr(checking, "conform", refusing)
    with pytest.raises(LrtzcError, match="passed here that the platform refuses: new"):
        verdict(row(1))


def test_a_table_that_is_not_read_as_it_was_written_is_nobodys_fault() -> None:
    found = content(row(1), row(2))
    with pytest.raises(LrtzcError, match="2 rows of 3 were read"):
        check(Content(found.body, (2, 3, 4)), CHANNEL, NOW)
    with pytest.raises(LrtzcError, match="cannot be read"):
        check(Content(b"siret;siret\n", ()), CHANNEL, NOW)


def validated(found: Content, folder: Path) -> Validated:
    """What the platform itself makes of an accepted table."""
    layout, spec = Layout(folder), CHANNEL.spec
    with Writer(RawStore(layout.raw(spec.id))) as writer:
        sha256 = writer.add(found.body, "csv")
        page = StoredPage("a", "csv", sha256, sha256, len(found.body))
        snapshot = Snapshot(
            "a", spec.id, "a", NOW.isoformat(), "live", "x", sha256, None, (page,)
        )
        writer.seal([], snapshot)
    return validate(spec, CHANNEL.suite, snapshot, layout, run_id="a")


CELLS = {
    "siret": st.sampled_from(["00000000000001", "00000000000002", "1", ""]),
    "commune": st.sampled_from(["17300", "17300 ", "La Rochelle"]),
    "month": st.sampled_from(["2026-03-01", "01/03/2026", "2009-01-01", "mars"]),
    "code": st.sampled_from(["15 01 01", "150102*", "990101", "50101"]),
    "treatment": st.sampled_from(["R3", "D15", "R14"]),
    "tonnes": st.sampled_from(["1", "1,0", "1 000,5", "", "x", "nan", "1e400"]),
}
GOOD = {
    "siret": st.sampled_from(["00000000000001", "00000000000002"]),
    "month": st.sampled_from(["2026-03-01", "01/03/2026"]),
    "code": st.sampled_from(["15 01 01", "150102*"]),
    "treatment": st.sampled_from(["R3", "D15"]),
    "tonnes": st.sampled_from(["1", "1,0", "1 000,5"]),
    "commune": st.sampled_from(["17300", "17300 "]),
}
ROWS = st.one_of(
    st.lists(st.fixed_dictionaries(cells).map(lambda c: row(1, **c)), min_size=1)
    for cells in (GOOD, CELLS)
)


@settings(max_examples=40, deadline=None)
@given(rows=ROWS)
def test_what_is_accepted_goes_through_the_platform_whole(
    rows: list[list[Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    found = content(*rows)
    mine = check(found, CHANNEL, NOW)
    theirs = validated(found, tmp_path_factory.mktemp("data"))
    whole = theirs.state is not None and theirs.quarantined_count == 0
    assert whole == (not mine.problems)
    if theirs.state and whole:
        assert theirs.state.row_count == mine.row_count
