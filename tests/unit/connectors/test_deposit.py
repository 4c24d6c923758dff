"""Accepted deposits as pages, without a request."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lrtzc_pipelines.collecting import Outcome, collect
from lrtzc_pipelines.connectors import deposit
from lrtzc_pipelines.connectors.addresses import Target, resolve
from lrtzc_pipelines.connectors.answers import KnownPage
from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.deposits.depositors import open_inbox
from lrtzc_pipelines.deposits.forms import find_form
from lrtzc_pipelines.deposits.intake import READY
from lrtzc_pipelines.deposits.receipts import Deposits
from lrtzc_pipelines.errors import FetchError, LrtzcError, NothingYet
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.parsers.registry import parse
from lrtzc_pipelines.raw_store import RawStore, read_pages
from lrtzc_pipelines.sandbox.deposits import DEPOSITOR, write_inbox
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.sources.protocols import DepositConnector
from lrtzc_pipelines.sources.registry import load_endpoints, load_sources
from lrtzc_pipelines.storage import locked

WASTE = "valorisation_waste"
CONNECTOR = DepositConnector(kind="deposit", form=WASTE)
SPEC = load_sources()["valorisation_company_waste"]
HEADINGS = "siret;code_commune;code_naf;mois;code_dechet;code_traitement;tonnes\n"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return resolve(load_endpoints()[SPEC.endpoint], Settings(data_dir=tmp_path))


def rows(*months: int, tonnes: str = "12,5") -> bytes:
    return (
        HEADINGS
        + "".join(
            f"{0:014d};17300;38.32Z;2024-{month:02d}-01;150101;R3;{tonnes}\n"
            for month in months
        )
    ).encode()


Drop = Callable[..., None]


@pytest.fixture
def drop(layout: Layout) -> Drop:
    def leave(name: str, body: bytes, depositor: str = "recyclage_dupont") -> None:
        inbox = open_inbox(layout, find_form(WASTE), depositor)
        (inbox / name).write_bytes(body)
        (inbox / f"{name}{READY}").touch()

    return leave


def pages(target: Target, known: dict[str, KnownPage] | None = None) -> list[Page]:
    with HttpClient(target) as client:
        found = list(deposit.pages(CONNECTOR, client, known or {}))
        assert client.requests == 0
    return found


def test_files_that_wait_are_taken_in_and_become_pages(
    target: Target, drop: Drop
) -> None:
    drop("mars.csv", rows(3))
    drop("avril-mai.csv", rows(4, 5))
    drop("refus.csv", rows(6, tonnes="x"))
    found = pages(target)
    assert sorted(page.items or 0 for page in found) == [1, 2]
    assert all(
        page.answer.body.startswith(b'"deposant";"siret"')
        and b'"recyclage_dupont";' in page.answer.body
        for page in found
    )
    assert pages(target) == found


def test_no_name_of_a_file_goes_any_further(target: Target, drop: Drop) -> None:
    drop("Jean Dupont.csv", rows(3))
    (page,) = pages(target)
    assert "Dupont" not in f"{page.name} {page.answer.url}"
    assert page.answer.url.startswith("deposit:valorisation_waste/recyclage_dupont/2")


def test_a_known_file_is_not_read_again(
    target: Target, drop: Drop, layout: Layout
) -> None:
    drop("mars.csv", rows(3))
    (first,) = pages(target)
    folder = layout.deposits(WASTE, "recyclage_dupont") / "contents"
    (content,) = folder.iterdir()
    content.write_bytes(b"overwritten, which nobody may notice without reading")
    known = {first.name: KnownPage("0" * 64, first.items)}
    (kept,) = pages(target, known)
    assert (kept.answer.not_modified, kept.answer.body) == (True, b"")
    with pytest.raises(FetchError, match="missing or damaged"):
        pages(target)


def test_a_replaced_file_is_no_page_any_more(target: Target, drop: Drop) -> None:
    drop("mars.csv", rows(3))
    (first,) = pages(target)
    drop("mars v2.csv", rows(3, tonnes="13"))
    (second,) = pages(target, {first.name: KnownPage("0" * 64, 1)})
    assert second.name != first.name
    assert b'"13"' in second.answer.body


def test_every_depositor_has_its_own_pages(target: Target, drop: Drop) -> None:
    for depositor in ("recyclage_dupont", "tri_atlantique"):
        drop("mars.csv", rows(3), depositor)
    first, second = pages(target)
    assert first.name != second.name
    assert first.answer.body != second.answer.body


def test_nothing_yet_is_nobodys_fault(target: Target, drop: Drop) -> None:
    with pytest.raises(NothingYet, match="no file was accepted yet"):
        pages(target)
    drop("refus.csv", rows(3, tonnes="x"))
    with pytest.raises(NothingYet):
        pages(target)


def test_deposits_that_are_gone_are_an_error(target: Target) -> None:
    with pytest.raises(FetchError, match="there were 1: restore them") as raised:
        pages(target, {"x": KnownPage("0")})
    assert not isinstance(raised.value, NothingYet)


def test_without_a_data_directory_there_is_nowhere_to_look(target: Target) -> None:
    with pytest.raises(FetchError, match="no data directory"):
        pages(replace(target, data_dir=None))


def test_what_another_process_is_taking_in_is_left_to_it(
    target: Target, drop: Drop, layout: Layout
) -> None:
    drop("mars.csv", rows(3))
    assert len(pages(target)) == 1
    drop("avril.csv", rows(4))
    lock = layout.lock(f"deposits-{WASTE}-recyclage_dupont")
    with locked(lock, "a test"):
        assert len(pages(target)) == 1
    assert len(pages(target)) == 2


def test_one_inbox_that_fails_keeps_no_other_from_being_collected(
    target: Target, drop: Drop, layout: Layout, caplog: pytest.LogCaptureFixture
) -> None:
    drop("mars.csv", rows(3))
    broken = layout.inbox(WASTE, "tri_atlantique")
    layout.deposits(WASTE, "tri_atlantique")
    broken.symlink_to("nowhere")
    with caplog.at_level(logging.WARNING):
        assert len(pages(target)) == 1
    assert "tri_atlantique: the inbox leads to no folder" in caplog.text


def test_a_receipt_that_cannot_be_read_ends_the_collection(
    target: Target, drop: Drop, layout: Layout
) -> None:
    drop("mars.csv", rows(3))
    pages(target)
    (path,) = (layout.deposits(WASTE, "recyclage_dupont") / "receipts").iterdir()
    path.write_text("")
    # Without it, its rows would be gone and nobody would know.
    with pytest.raises(LrtzcError, match="the receipt cannot be read"):
        pages(target)


def test_invented_files_are_left_out_once_there_is_a_real_one(
    target: Target, drop: Drop, layout: Layout
) -> None:
    write_inbox(layout.data_dir, seed=1)
    (page,) = pages(target)
    assert page.answer.headers == {"x-lrtzc-sandbox": "synthetic"}
    # One was made to be refused.
    receipts = Deposits(layout.deposits(WASTE, DEPOSITOR)).receipts()
    assert sorted(receipt.accepted for receipt in receipts) == [False, True]
    drop("mars.csv", rows(3))
    (page,) = pages(target)
    assert page.answer.headers == {}


def test_a_collection_is_live_and_the_next_finds_nothing_new(
    target: Target, drop: Drop, layout: Layout
) -> None:
    drop("mars.csv", rows(3))
    store = RawStore(layout.raw(SPEC.id))
    first = collect(SPEC, target, store, run_id="1")
    assert (first.outcome, first.snapshot.origin) == (Outcome.CHANGED, "live")
    second = collect(SPEC, target, store, run_id="2")
    assert second.outcome == Outcome.UNCHANGED
    assert second.bytes_received == 0
    (frame,) = parse(SPEC, read_pages(store, second.snapshot))
    assert frame["deposant"].to_list() == ["recyclage_dupont"]
    assert frame["mois"].to_list() == ["2024-03-01"]
    manifest = store.manifest.read_text()
    assert '"licence":"LicenseRef-partner-agreement"' in manifest
    assert "mars.csv" not in manifest
