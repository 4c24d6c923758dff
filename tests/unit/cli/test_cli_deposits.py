"""`lrtzc deposits`: opening inboxes, answering files, and trying one beforehand."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from lrtzc_pipelines.cli import doctor_deposits
from lrtzc_pipelines.deposits.intake import ANSWERS, READY
from lrtzc_pipelines.layout import Layout

FORM = ("--form", "valorisation_waste")
COMPANY = "recyclage_dupont"
HEADINGS = "siret;code_commune;code_naf;mois;code_dechet;code_traitement;tonnes\n"
GOOD = HEADINGS + "00000000000001;17300;38.32Z;01/03/2024;150101;R3;12,5\n"
BAD = HEADINGS + "Camille Inventé;17300;38.32Z;01/03/2024;50101;R3;12,5\n"


@pytest.fixture
def inbox(lrtzc, layout: Layout) -> Path:
    said = lrtzc("deposits", "open", COMPANY, *FORM)
    assert said.code == 0
    inbox = Path(said.out.strip())
    assert inbox == layout.inbox("valorisation_waste", COMPANY)
    return inbox


def drop(inbox: Path, text: str, name: str = "mars.csv") -> None:
    (inbox / name).write_text(text, "utf-8")
    (inbox / f"{name}{READY}").touch()


def states(said) -> list[tuple[str, str]]:
    return [(row["name"], row["state"]) for row in said.rows]


def test_an_opened_inbox_is_closed_to_others(inbox: Path) -> None:
    assert stat.S_IMODE(inbox.stat().st_mode) == 0o700


def test_an_inbox_may_lead_to_another_folder(lrtzc, tmp_path: Path) -> None:
    folder = tmp_path / "sftp"
    folder.mkdir()
    said = lrtzc("deposits", "open", COMPANY, *FORM, "--folder", str(folder))
    assert Path(said.out.strip()).resolve() == folder


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("open", "Dupont SA", *FORM), "2 to 40 of a-z"),
        (("open", COMPANY, "--form", "x"), "unknown form: x (known: mobility_trips"),
        (("open", COMPANY, *FORM, "--folder", "/nowhere"), "no such folder"),
        (("list", "--form", "x"), "unknown form: x"),
    ],
)
def test_a_wrong_call_is_told_in_a_sentence(lrtzc, arguments, said: str) -> None:
    found = lrtzc("deposits", *arguments)
    assert found.code in {1, 2}
    assert said in found.err
    assert "Traceback" not in found.err


def test_nothing_deposited_is_said(lrtzc, inbox: Path) -> None:
    assert lrtzc("deposits", "list").out == "no file was deposited\n"
    assert lrtzc("deposits", "list", "--json").rows == []
    assert lrtzc("deposits", "sweep").out == "no complete file waits\n"


def test_files_are_listed_while_they_wait_and_once_they_are_answered(
    lrtzc, inbox: Path
) -> None:
    drop(inbox, GOOD)
    drop(inbox, BAD, "avril.csv")
    assert sorted(states(lrtzc("deposits", "list", "--json"))) == [
        ("avril.csv", "waiting"),
        ("mars.csv", "waiting"),
    ]
    said = lrtzc("deposits", "sweep", "--json")
    assert said.code == 0
    assert sorted(states(said)) == [("avril.csv", "refused"), ("mars.csv", "accepted")]
    assert (inbox / ANSWERS / "mars.csv.txt").exists()
    drop(inbox, GOOD.replace("12,5", "13"), "mars v2.csv")
    lrtzc("deposits", "sweep")
    rows = {row["name"]: row for row in lrtzc("deposits", "list", "--json").rows}
    assert {name: row["state"] for name, row in rows.items()} == {
        "avril.csv": "refused",
        "mars.csv": "replaced",
        "mars v2.csv": "accepted",
    }
    assert rows["mars v2.csv"]["depositor"] == COMPANY
    assert rows["mars v2.csv"]["periods"] == "2024-03-01"
    assert "mars v2.csv" in lrtzc("deposits", "list", *FORM).out


def test_what_a_crash_left_is_listed(lrtzc, inbox: Path, layout: Layout) -> None:
    folder = layout.deposits("valorisation_waste", COMPANY)
    for number in (1, 2):
        (folder / f"20240401T000000Z-0000000{number}-a{number}.csv").write_text(GOOD)
    (folder / "judging.json").write_text('{"20240401T000000Z-00000002-a2.csv": 3}')
    assert states(lrtzc("deposits", "list", "--json")) == [
        ("a1.csv", "unanswered"),
        ("a2.csv", "stuck"),
    ]
    said = lrtzc("deposits", "sweep", "--json")
    assert said.code == 1
    assert states(said) == [("a1.csv", "accepted")]
    assert "judging it ended the process 3 times" in said.err


def test_names_of_any_bytes_are_listed(lrtzc, inbox: Path) -> None:
    drop(inbox, GOOD, "d\udce9chets.csv")
    ((name, state),) = states(lrtzc("deposits", "list", "--json"))
    assert (name[:8], state) == ("d_chets-", "waiting")
    assert "d_chets" in lrtzc("deposits", "sweep").out


def test_a_file_is_tried_without_being_deposited(
    lrtzc, layout: Layout, tmp_path: Path
) -> None:
    path = tmp_path / "mars.csv"
    path.write_text(GOOD, "utf-8")
    said = lrtzc("deposits", "check", str(path), *FORM)
    assert said.code == 0
    assert said.out == "« mars.csv » serait accepté : 1 ligne, mars 2024\n"
    path.write_text(BAD, "utf-8")
    said = lrtzc("deposits", "check", str(path), *FORM)
    assert said.code == 1
    assert said.out.splitlines()[:2] == [
        "« mars.csv » serait refusé :",
        "1. Ligne 2, colonne « siret » : la valeur ne convient pas.",
    ]
    assert "Camille" not in said.out
    assert path.exists()
    assert not layout.data_dir.exists()


def test_a_program_reads_what_would_be_answered(lrtzc, tmp_path: Path) -> None:
    path = tmp_path / "mars.csv"
    path.write_text(BAD, "utf-8")
    found = json.loads(lrtzc("deposits", "check", str(path), *FORM, "--json").out)
    assert found["accepted"] is False
    assert [problem["rows"] for problem in found["problems"]] == [[2], [2]]


def test_a_file_is_held_against_what_its_depositor_gave_before(
    lrtzc, inbox: Path, tmp_path: Path
) -> None:
    both = GOOD + "00000000000001;17300;38.32Z;01/04/2024;150101;R3;12,5\n"
    drop(inbox, both, "mars-avril.csv")
    lrtzc("deposits", "sweep")
    path = tmp_path / "mars.csv"
    path.write_text(GOOD, "utf-8")
    assert lrtzc("deposits", "check", str(path), *FORM).code == 0
    said = lrtzc("deposits", "check", str(path), *FORM, "--depositor", COMPANY)
    assert said.code == 1
    assert "une partie du dépôt « mars-avril.csv »" in said.out
    said = lrtzc("deposits", "check", str(path), *FORM, "--depositor", "inconnu")
    assert said.code == 2
    assert f"known: {COMPANY}" in said.err


@pytest.fixture
def doctor(lrtzc):
    """What `lrtzc doctor` finds about deposits."""

    def run() -> list[tuple[str, str]]:
        rows = lrtzc("doctor", "--json").rows
        return [(r["state"], r["detail"]) for r in rows if r["check"] == "deposits"]

    return run


def test_the_doctor_counts_inboxes_and_makes_none(doctor, layout: Layout) -> None:
    assert doctor() == [("ok", "no inbox")]
    assert not layout.data_dir.exists()


def test_the_doctor_is_content_with_an_answered_inbox(
    lrtzc, doctor, inbox: Path
) -> None:
    drop(inbox, GOOD)
    lrtzc("deposits", "sweep")
    (inbox / "en-cours.csv").write_text("a")
    assert doctor() == [("ok", "1 inboxes")]


def test_the_doctor_tells_what_keeps_a_partner_from_an_answer(
    lrtzc, doctor, inbox: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(inbox, GOOD)
    assert doctor() == [("ok", "1 inboxes")]
    monkeypatch.setattr(doctor_deposits, "LATE", timedelta())
    assert doctor() == [
        (
            "warn",
            "valorisation_waste: recyclage_dupont: 1 files wait: run `lrtzc deposits "
            "sweep` and see why",
        )
    ]
    folder = layout.deposits("valorisation_waste", COMPANY)
    (folder / "judging.json").write_text('{"a": 3}')
    assert "1 files whose judgement ended the process" in doctor()[0][1]
    (folder / "judging.json").write_text("[")
    assert doctor()[0][0] == "fail"
    lost = layout.inbox("valorisation_waste", "tri_atlantique")
    lost.symlink_to("nowhere")
    assert "tri_atlantique: the inbox leads to no folder" in str(doctor())
