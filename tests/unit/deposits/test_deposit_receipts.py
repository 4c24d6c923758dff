"""Receipts: which files make up a dataset, and that none is forgotten."""

from __future__ import annotations

import stat
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from partner import COMPANY, NOW

from lrtzc_pipelines.deposits.receipts import (
    MOST_ATTEMPTS,
    SANDBOX,
    Deposits,
    Receipt,
    in_force,
    partly_covered,
)
from lrtzc_pipelines.errors import LrtzcError

JANUARY, FEBRUARY, MARCH = (date(2026, month, 1) for month in (1, 2, 3))


def receipt(number: int, *periods: date, **changes: Any) -> Receipt:
    """A receipt of an accepted file, as the n-th of its depositor."""
    moment = NOW + timedelta(hours=number)
    values: dict[str, Any] = {
        "form": "valorisation_waste",
        "depositor": COMPANY,
        "source": "valorisation_company_waste",
        "stored": f"{moment:%Y%m%dT%H%M%SZ}-0000000{number}-Dupont.csv",
        "name": "Dupont.csv",
        "sha256": f"{number:064d}",
        "bytes": 1,
        "received_at": moment,
        "checked_at": moment,
        "fingerprint": "0",
        "licence": "LicenseRef-partner-agreement",
        "tier": "partners",
        "accepted": True,
        "periods": periods,
    }
    return Receipt(**values | changes)


@pytest.fixture
def deposits(tmp_path: Path) -> Deposits:
    return Deposits(tmp_path)


def numbers(receipts: list[Receipt]) -> list[int]:
    return [int(found.sha256) for found in receipts]


def test_a_later_file_of_the_same_periods_replaces_the_earlier_one() -> None:
    found = in_force([receipt(1, MARCH), receipt(2, MARCH), receipt(3, FEBRUARY)])
    assert numbers(found) == [2, 3]


def test_a_later_file_of_more_periods_replaces_all_it_covers() -> None:
    whole = receipt(3, JANUARY, FEBRUARY, MARCH)
    assert numbers(in_force([receipt(1, JANUARY), receipt(2, MARCH), whole])) == [3]


def test_a_refused_file_replaces_nothing() -> None:
    refused = receipt(2, accepted=False)
    assert numbers(in_force([receipt(1, MARCH), refused])) == [1]


def test_depositors_do_not_replace_each_other() -> None:
    other = receipt(2, MARCH, depositor="tri_atlantique")
    assert numbers(in_force([receipt(1, MARCH), other])) == [1, 2]


def test_invented_files_are_left_out_once_there_is_a_real_one() -> None:
    invented = receipt(1, MARCH, origin=SANDBOX, depositor="partenaire_invente")
    assert numbers(in_force([invented])) == [1]
    assert numbers(in_force([invented, receipt(2, JANUARY)])) == [2]


def test_files_that_count_are_told_in_the_order_in_which_they_came() -> None:
    back = receipt(1, MARCH, checked_at=NOW + timedelta(hours=9))
    assert numbers(in_force([receipt(3, JANUARY), back])) == [1, 3]


@pytest.mark.parametrize(
    ("periods", "is_partial"),
    [
        ((JANUARY,), True),
        ((FEBRUARY, MARCH), True),
        ((JANUARY, FEBRUARY), False),
        ((JANUARY, FEBRUARY, MARCH), False),
        ((MARCH,), False),
        ((), False),
    ],
)
def test_a_file_that_would_cover_part_of_another_is_found(
    periods: tuple[date, ...], *, is_partial: bool
) -> None:
    earlier = receipt(1, JANUARY, FEBRUARY)
    found = partly_covered(periods, "live", [earlier])
    assert found == (earlier if is_partial else None)
    assert partly_covered(periods, SANDBOX, [earlier]) is None


def test_receipts_are_read_in_the_order_of_their_judgement(deposits: Deposits) -> None:
    for number in (2, 3, 1):
        deposits.write(receipt(number))
    deposits.write(receipt(1, checked_at=NOW + timedelta(days=1)))
    assert numbers(deposits.receipts()) == [2, 3, 1]
    found = deposits.find(f"{2:064d}")
    assert found
    assert numbers([found]) == [2]
    assert deposits.find("x") is None


def test_a_clock_that_was_set_back_changes_no_order(deposits: Deposits) -> None:
    assert deposits.following(NOW) == NOW
    deposits.write(receipt(5))
    last = receipt(5).checked_at
    assert deposits.following(NOW) == last + timedelta(microseconds=1)
    assert deposits.following(last + timedelta(hours=1)) == last + timedelta(hours=1)


def test_a_file_without_a_receipt_is_unchecked(deposits: Deposits) -> None:
    done, waits = receipt(1), receipt(2)
    for name in (done.stored, waits.stored, "notes.txt", "20260101T000000Z-x-y"):
        (deposits.folder / name).write_text("a")
    deposits.write(done)
    assert [path.name for path in deposits.unchecked()] == [waits.stored]


def test_a_receipt_that_cannot_be_read_is_not_passed_over(deposits: Deposits) -> None:
    deposits.write(receipt(1))
    (path,) = (deposits.folder / "receipts").iterdir()
    path.write_text('{"name": "Dupont"')
    with pytest.raises(LrtzcError, match="the receipt cannot be read") as error:
        deposits.receipts()
    # Neither its text nor its name, which the partner chose.
    assert "Dupont" not in str(error.value)


def test_the_table_of_an_accepted_file_is_kept_and_checked(deposits: Deposits) -> None:
    deposits.keep(b"a;b\n")
    (path,) = (deposits.folder / "contents").iterdir()
    kept = receipt(1, content_sha256=path.stem)
    assert deposits.content(kept) == b"a;b\n"
    path.write_bytes(b"a;c\n")
    with pytest.raises(LrtzcError, match="missing or damaged"):
        deposits.content(kept)
    # The same file once more puts it right.
    deposits.keep(b"a;b\n")
    assert deposits.content(kept) == b"a;b\n"
    path.unlink()
    with pytest.raises(LrtzcError, match="missing or damaged"):
        deposits.content(kept)


def test_everything_is_private(deposits: Deposits) -> None:
    deposits.keep(b"a")
    deposits.write(receipt(1))
    deposits.note_invented("x")
    modes = {
        stat.S_IMODE(path.stat().st_mode)
        for path in deposits.folder.rglob("*")
        if path.is_file()
    }
    assert modes == {0o600}
    for name in ("contents", "receipts"):
        assert stat.S_IMODE((deposits.folder / name).stat().st_mode) == 0o700


def test_what_is_invented_is_known_by_its_hash(deposits: Deposits) -> None:
    assert deposits.invented() == set()
    for sha256 in ("b", "a", "b"):
        deposits.note_invented(sha256)
    assert deposits.invented() == {"a", "b"}


@pytest.mark.parametrize("text", ["", "{}", "[", "null"])
def test_a_list_of_what_is_invented_that_cannot_be_read_is_no_empty_one(
    deposits: Deposits, text: str
) -> None:
    (deposits.folder / "invented.json").write_text(text)
    with pytest.raises(LrtzcError, match=r"invented\.json: cannot be read"):
        deposits.invented()


def test_what_a_crash_left_half_written_is_tidied_away(deposits: Deposits) -> None:
    deposits.write(receipt(1))
    deposits.keep(b"a")
    whole = {path for path in deposits.folder.rglob("*") if path.is_file()}
    for name in (".incoming-x", ".judging.json.x", "receipts/.x", "contents/.x"):
        (deposits.folder / name).write_text("Dupont")
    deposits.tidy()
    assert {path for path in deposits.folder.rglob("*") if path.is_file()} == whole


class Killed(BaseException):
    """The process ends here."""


def judge(deposits: Deposits, error: BaseException | None = None) -> None:
    with deposits.judging("a"):
        if error:
            raise error


def test_a_file_that_ends_the_process_is_left_alone_after_some_attempts(
    deposits: Deposits,
) -> None:
    for _ in range(MOST_ATTEMPTS):
        assert deposits.stuck() == set()
        with pytest.raises(Killed):
            judge(deposits, Killed())
    assert deposits.stuck() == {"a"}
    with pytest.raises(LrtzcError, match=r"judging\.json to try again"):
        judge(deposits)


@pytest.mark.parametrize("error", [None, LrtzcError("x"), OSError(28, "x")])
def test_what_does_not_end_the_process_is_no_such_attempt(
    deposits: Deposits, error: Exception | None
) -> None:
    for _ in range(MOST_ATTEMPTS + 1):
        try:
            judge(deposits, error)
        except (LrtzcError, OSError) as raised:
            assert raised is error  # noqa: PT017 - it may also not be raised
    assert deposits.stuck() == set()


def test_a_mark_has_no_name() -> None:
    assert receipt(1).mark == f"{NOW + timedelta(hours=1):%Y%m%dT%H%M%SZ}-00000001"


def test_moments_are_read_back_with_their_zone(deposits: Deposits) -> None:
    deposits.write(receipt(1))
    (found,) = deposits.receipts()
    assert isinstance(found.received_at, datetime)
    assert found == receipt(1)
