"""What every paged protocol refuses, and how it tells."""

from __future__ import annotations

import pytest
from protocol_service import client_of

from lrtzc_pipelines.connectors.answers import KnownPage
from lrtzc_pipelines.connectors.paging import Progress, refused
from lrtzc_pipelines.errors import FetchError

CLIENT = client_of("http://127.0.0.1/", key="s3cret")


@pytest.fixture
def progress() -> Progress:
    return Progress(CLIENT, "dataset things")


def test_records_add_up_to_the_last_announced_total(progress: Progress) -> None:
    progress.add([{"a": 1}, {"a": 2}], total=4)
    assert not progress.is_complete
    progress.held(KnownPage("0", items=1, total=9))
    progress.add([{"a": 3}], total="unknown")
    assert progress.is_complete
    progress.check()


def test_a_page_that_is_held_brings_the_total_it_announced(progress: Progress) -> None:
    progress.held(KnownPage("0", items=2, total=2))
    assert progress.is_complete
    progress.check()


def test_a_page_that_is_held_may_not_know_a_total(progress: Progress) -> None:
    progress.held(KnownPage("0", items=2))
    assert not progress.is_complete


@pytest.mark.parametrize("total", [1, 3])
def test_another_sum_may_pass(progress: Progress, total: int) -> None:
    progress.add([{"a": 1}, {"a": 2}], total=total)
    with pytest.raises(FetchError, match=rf"2 records received, {total}") as error:
        progress.check()
    assert not error.value.permanent


@pytest.mark.parametrize("total", [None, "12", True, 1.5])
def test_what_is_no_number_announces_nothing(progress: Progress, total: object) -> None:
    progress.add([], total=total)
    assert progress.total is None


def test_a_page_with_the_records_of_another_is_refused(progress: Progress) -> None:
    progress.add([{"a": 1}])
    with pytest.raises(FetchError, match="page 2 has the records of page 1") as error:
        progress.add([{"a": 1}])
    assert not error.value.permanent


def test_empty_pages_repeat_nothing(progress: Progress) -> None:
    progress.add([])
    progress.add([])
    assert progress.received == 0


def test_a_record_in_two_pages_is_refused(progress: Progress) -> None:
    progress.add([{"id": 1}, {"id": 2}], ids=[1, 2])
    with pytest.raises(FetchError, match="overlap") as error:
        progress.add([{"id": 2}, {"id": 3}], ids=[2, 3])
    assert not error.value.permanent


def test_records_without_identifiers_are_not_compared(progress: Progress) -> None:
    progress.add([{"a": 1}], ids=[None])
    progress.add([{"a": 2}], ids=[None])
    assert progress.received == 2


def test_the_words_of_a_service_are_one_short_line_without_secrets() -> None:
    error = refused(CLIENT, "things", "no", "key\n s3cret\t" + "x" * 500, None)
    assert str(error).startswith("town_hall: things: no: key REDACTED xxx")
    assert len(str(error)) < 260
    assert "\n" not in str(error)


def test_a_total_of_thousands_of_digits_is_told_shortly(progress: Progress) -> None:
    progress.add([{"a": 1}], total=10**4000)
    with pytest.raises(FetchError, match=r"1 records received, 10{19}… announced"):
        progress.check()


def test_no_part_of_a_secret_is_left_where_words_are_cut() -> None:
    error = refused(CLIENT, "things", "x" * 197 + "s3cret and more")
    assert "s3c" not in str(error)
