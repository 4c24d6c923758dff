"""Files from the inbox to their receipt and their answer."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from partner import (
    BAD,
    GOOD,
    TRIPS,
    WASTE,
    Partner,
    channel,
    row,
    sha256,
    table,
    workbook,
    zipped,
)

from lrtzc_pipelines.deposits import intake
from lrtzc_pipelines.deposits.checking import Verdict
from lrtzc_pipelines.deposits.receipts import SANDBOX, in_force
from lrtzc_pipelines.errors import Busy
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.storage import locked

MARCH = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("mars.csv", GOOD),
        ("mars.xlsx", workbook(row(1), row(2))),
        ("mars.zip", zipped({"mars.csv": GOOD})),
    ],
)
def test_a_good_file_is_kept_answered_and_gone_from_the_inbox(
    partner: Partner, name: str, body: bytes
) -> None:
    receipt = partner.deposit(name, body)
    assert (receipt.accepted, receipt.row_count) == (True, 2)
    assert receipt.periods == (MARCH,)
    assert (receipt.form, receipt.depositor) == (WASTE, "recyclage_dupont")
    assert (receipt.licence, receipt.tier) == (
        "LicenseRef-partner-agreement",
        "partners",
    )
    assert partner.held == [sha256(body)] == [receipt.sha256]
    assert partner.left == []
    assert partner.answers == [f"{name}.json", f"{name}.txt"]
    assert "ACCEPTÉ" in partner.answer(name)
    assert partner.document(name)["row_count"] == 2
    content = partner.reception.deposits.content(receipt)
    assert content.startswith(b'"deposant";"siret"')


def test_a_refused_file_is_kept_too_and_told_what_is_wrong(partner: Partner) -> None:
    receipt = partner.deposit("mars.csv", BAD)
    assert (receipt.accepted, receipt.content_sha256) == (False, None)
    assert partner.held == [sha256(BAD)]
    assert partner.left == []
    said = partner.answer("mars.csv")
    assert "1. Ligne 2, colonne « tonnes » : la valeur n'est pas un nombre." in said
    assert "beaucoup" not in said
    assert "beaucoup" not in json.dumps(partner.document("mars.csv"))


def test_a_refused_file_that_was_corrected_is_accepted(partner: Partner) -> None:
    partner.deposit("mars.csv", BAD)
    receipt = partner.deposit("mars.csv", GOOD)
    assert receipt.accepted
    assert [r.accepted for r in partner.receipts] == [False, True]
    assert "ACCEPTÉ" in partner.answer("mars.csv").splitlines()[0]
    assert receipt.remarks == ()


def test_everything_taken_in_is_private(partner: Partner) -> None:
    partner.inbox.chmod(0o2777)
    partner.drop("mars.csv", GOOD).chmod(0o666)
    partner.sweep()
    folder = partner.reception.deposits.folder
    modes = {p: stat.S_IMODE(p.stat().st_mode) for p in [folder, *folder.rglob("*")]}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_the_same_file_twice_counts_once(partner: Partner) -> None:
    first = partner.deposit("mars.csv", GOOD)
    again = partner.deposit("mars-copie.csv", GOOD)
    assert partner.receipts == [first]
    assert again.sha256 == first.sha256
    assert len(partner.held) == 1
    said = partner.answer("mars-copie.csv")
    assert said.startswith("Dépôt « mars-copie.csv » : DÉJÀ REÇU, ACCEPTÉ")
    assert "Redéposé à l'identique le" in said
    # The receipt that it had stays as it is.
    assert "DÉJÀ" not in partner.answer("mars.csv")


def test_two_files_with_equal_bytes_at_once_are_both_answered(
    partner: Partner,
) -> None:
    for name in ("a.csv", "b.csv"):
        partner.drop(name, GOOD)
    assert len(partner.sweep().receipts) == 2
    assert len(partner.receipts) == 1
    assert partner.answers == ["a.csv.json", "a.csv.txt", "b.csv.json", "b.csv.txt"]


def test_a_corrected_file_of_the_same_period_replaces_the_earlier_one(
    partner: Partner,
) -> None:
    partner.deposit("mars.csv", GOOD)
    corrected = partner.deposit("mars v2.csv", table(row(1, tonnes="13"), row(3)))
    assert in_force(partner.receipts) == [corrected]
    assert len(partner.held) == 2
    (remark,) = corrected.remarks
    assert remark == (
        "Ce fichier remplace votre dépôt « mars.csv » du 10 juillet 2026, qui ne compte"
        " plus."
    )
    assert remark in partner.answer("mars v2.csv")


def test_an_earlier_version_can_be_had_back(partner: Partner) -> None:
    first = partner.deposit("mars.csv", GOOD)
    partner.deposit("mars v2.csv", table(row(1, tonnes="13")))
    back = partner.deposit("mars.csv", GOOD)
    assert back.stored == first.stored
    assert in_force(partner.receipts) == [back]
    assert len(partner.receipts) == 2
    assert "remplace votre dépôt « mars v2.csv »" in partner.answer("mars.csv")


def test_of_two_versions_that_come_at_once_the_later_written_counts(
    partner: Partner,
) -> None:
    mistake = partner.drop("mars.csv", GOOD)
    corrected = partner.drop("mars-corrige.csv", table(row(1, tonnes="13")))
    for age, path in ((2, mistake), (1, corrected)):
        os.utime(path, (1e9 - age, 1e9 - age))
    partner.sweep()
    (receipt,) = in_force(partner.receipts)
    assert receipt.name == "mars-corrige.csv"


def test_a_file_that_covers_part_of_another_is_refused(partner: Partner) -> None:
    both = table(row(1), row(1, month="2026-04-01"))
    partner.deposit("mars-avril.csv", both)
    receipt = partner.deposit("avril.csv", table(row(1, month="2026-04-15")))
    assert not receipt.accepted
    (problem,) = receipt.problems
    assert "qu'une partie du dépôt « mars-avril.csv »" in problem.why
    assert "mars 2026, avril 2026" in problem.why
    (current,) = in_force(partner.receipts)
    assert current.name == "mars-avril.csv"


def test_a_file_of_more_periods_replaces_those_it_covers(partner: Partner) -> None:
    partner.deposit("mars.csv", GOOD)
    partner.deposit("avril.csv", table(row(1, month="2026-04-01")))
    whole = partner.deposit("tout.csv", table(row(1), row(1, month="2026-04-01")))
    assert in_force(partner.receipts) == [whole]
    assert len(whole.remarks) == 2


def test_a_refusal_for_an_overlap_is_judged_again_when_the_file_comes_again(
    partner: Partner,
) -> None:
    both = table(row(1), row(1, month="2026-04-01"))
    april = table(row(1, month="2026-04-15"))
    first = partner.deposit("mars-avril.csv", both)
    assert not partner.deposit("avril.csv", april).accepted
    # The partner has the earlier file taken out by replacing it.
    partner.reception.deposits.write(first.model_copy(update={"accepted": False}))
    again = partner.deposit("avril.csv", april)
    assert again.accepted
    assert "DÉJÀ REÇU, ACCEPTÉ" in partner.answer("avril.csv")
    assert len([r for r in partner.receipts if r.sha256 == again.sha256]) == 1


def test_repeats_are_counted_once_and_told(partner: Partner) -> None:
    receipt = partner.deposit("mars.csv", table(row(1), row(2), row(1)))
    assert receipt.row_count == 2
    assert "Remarque : Ligne 4 : identique" in partner.answer("mars.csv")


def test_depositors_neither_replace_nor_see_each_other(partner: Partner) -> None:
    other = partner.other("tri_atlantique")
    partner.deposit("mars.csv", GOOD)
    receipt = other.deposit("mars.csv", GOOD)
    # The very same bytes are another company's rows.
    assert receipt.accepted
    assert "DÉJÀ" not in other.answer("mars.csv")
    assert len(in_force([*partner.receipts, *other.receipts])) == 2
    assert partner.receipts[0].content_sha256 != receipt.content_sha256


def test_an_operator_deposits_its_trips(tmp_path: Path) -> None:
    operator = Partner(Layout(tmp_path), form_id=TRIPS, depositor="velo_ville")
    heading = (
        "id_trajet;id_usager;commune_origine;longitude_origine;latitude_origine;"
        "commune_destination;depart\n"
    )
    # Trips of one number at two moments are two trips.
    body = heading + "".join(
        f"1;u;17300;;;17010;{moment}\n"
        for moment in ("05/01/2026 08:12", "2026-01-05 18:00:00")
    )
    receipt = operator.deposit("trajets.csv", body.encode())
    assert (receipt.accepted, receipt.row_count) == (True, 2)


def test_a_file_that_is_still_written_to_waits(partner: Partner) -> None:
    partner.clock.moment = datetime.now(UTC)
    (partner.inbox / "mars.csv").write_bytes(GOOD)
    (partner.inbox / "avril.csv.part").write_bytes(GOOD)
    assert partner.reception.sweep().receipts == ()
    partner.clock.wait(seconds=channel().form.settle_seconds + 1)
    (receipt,) = partner.reception.sweep().receipts
    assert receipt.name == "mars.csv"
    assert partner.left == ["avril.csv.part"]


def test_a_file_too_large_is_kept_and_refused(tmp_path: Path) -> None:
    partner = Partner(Layout(tmp_path), max_megabytes=1)
    body = b"x" * 1_000_001
    receipt = partner.deposit("mars.csv", body)
    assert receipt.problems[0].why == "le fichier dépasse 1 Mo"
    assert partner.held == [sha256(body)]


def test_a_folder_in_the_inbox_is_told_once(partner: Partner) -> None:
    (partner.inbox / "dossier").mkdir()
    (partner.inbox / "dossier" / "mars.csv").write_bytes(GOOD)
    assert partner.sweep().receipts == ()
    assert "NON RELEVÉ" in partner.answer("dossier")
    notice = partner.inbox / intake.ANSWERS / "dossier.txt"
    before = notice.stat().st_mtime_ns
    partner.sweep()
    assert notice.stat().st_mtime_ns == before
    assert (partner.inbox / "dossier" / "mars.csv").read_bytes() == GOOD


def test_a_file_ten_times_too_large_is_left_with_a_notice(tmp_path: Path) -> None:
    partner = Partner(Layout(tmp_path), max_megabytes=1)
    path = partner.drop("sauvegarde.zip", b"")
    os.truncate(path, 11_000_000)
    assert partner.sweep().receipts == ()
    assert "dépasse de loin 1 Mo" in partner.answer("sauvegarde.zip")
    assert path.exists()


def test_an_inbox_that_leads_into_the_platforms_data_is_not_emptied(
    partner: Partner,
) -> None:
    own = partner.layout.raw("x") / "manifest.jsonl"
    own.write_text("{}")
    partner.inbox.rmdir()
    for target in (own.parent, partner.layout.data_dir.parent):
        partner.inbox.symlink_to(target)
        (failure,) = partner.sweep().failures
        assert "leads into the data directory" in failure
        partner.inbox.unlink()
    assert own.read_text() == "{}"


def test_what_is_invented_stays_known_as_such(partner: Partner) -> None:
    future = table(row(1, month="2030-01-01"))
    partner.reception.deposits.note_invented(sha256(future))
    receipt = partner.deposit("invente.csv", future)
    # Its time is its own: no real file may speak of a month to come.
    assert (receipt.accepted, receipt.origin) == (True, SANDBOX)
    assert not partner.deposit("vrai.csv", future + b"\r\n").accepted


def test_a_receipt_follows_those_before_though_the_clock_was_set_back(
    partner: Partner,
) -> None:
    partner.deposit("mars.csv", GOOD)
    partner.clock.wait(days=-3)
    corrected = partner.deposit("mars v2.csv", table(row(1, tonnes="13")))
    assert in_force(partner.receipts) == [corrected]


def test_two_receptions_at_once_do_not_meet(partner: Partner) -> None:
    lock = partner.layout.lock(f"deposits-{WASTE}-{partner.depositor}")
    with locked(lock, "a test"), pytest.raises(Busy, match="the reception of valor"):
        partner.sweep()


def test_a_closed_inbox_is_swept_without_an_answer(partner: Partner) -> None:
    partner.inbox.rmdir()
    stored = "20260701T000000Z-00000000-mars.csv"
    (partner.reception.deposits.folder / stored).write_bytes(GOOD)
    (receipt,) = partner.sweep().receipts
    assert receipt.accepted
    assert not partner.inbox.exists()


def test_an_inbox_that_leads_nowhere_is_the_operators_to_mend(
    partner: Partner, tmp_path: Path
) -> None:
    partner.inbox.rmdir()
    partner.inbox.symlink_to(tmp_path / "gone")
    swept = partner.sweep()
    assert swept.failures == (
        "valorisation_waste: recyclage_dupont: the inbox leads to no folder",
    )


def test_a_verdict_is_given_without_taking_anything_in(
    partner: Partner, tmp_path: Path
) -> None:
    partner.deposit("mars.csv", GOOD)
    path = tmp_path / "v2.csv"
    path.write_bytes(table(row(1, tonnes="13")))
    content, verdict = partner.reception.judged(path, path.name)
    assert content
    assert isinstance(verdict, Verdict)
    assert "remplace votre dépôt" in verdict.remarks[0]
    assert len(partner.receipts) == 1
