"""Files that partners deposited: those that wait are taken in, then a page for each.

Nothing is asked of anybody. A page is the table of one accepted file that no later one
replaces; accepted tables never change, so one that is known is not read again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from http import HTTPStatus

from lrtzc_pipelines.connectors.answers import Answer
from lrtzc_pipelines.connectors.base import Known, Page, Pages
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.deposits.depositors import receptions
from lrtzc_pipelines.deposits.forms import find_form, load_channel
from lrtzc_pipelines.deposits.inbox import Reception
from lrtzc_pipelines.deposits.receipts import SANDBOX, Receipt, in_force
from lrtzc_pipelines.errors import Busy, FetchError, LrtzcError, NothingYet
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.sources.protocols import DepositConnector
from lrtzc_pipelines.sources.registry import SOURCES_DIR

SUFFIX = "csv"
_log = logging.getLogger(__name__)


def pages(connector: DepositConnector, client: HttpClient, known: Known) -> Pages:
    """The accepted files that make up the dataset, oldest first.

    What one depositor's inbox lacks must not keep the files of the others from being
    collected: it is logged, and `lrtzc doctor` tells it.

    Raises:
        NothingYet: no file was ever accepted.
        FetchError: accepted files are gone, or damaged.
    """
    found = _receptions(connector, client)
    for reception in found:
        _sweep(reception)
    receipts = in_force(_all_receipts(found))
    label = f"{client.target.endpoint_id}: deposits of {connector.form}"
    if not receipts:
        if known:
            msg = f"{label}: gone, and there were {len(known)}: restore them"
            raise FetchError(msg)
        msg = f"{label}: no file was accepted yet"
        raise NothingYet(msg)
    by_depositor = {reception.depositor: reception for reception in found}
    for receipt in receipts:
        name = f"{receipt.stored[:16]}-{str(receipt.content_sha256)[:12]}"
        reception = by_depositor[receipt.depositor]
        body = b"" if name in known else _read(reception, receipt, label)
        client.bytes_received += len(body)
        answer = _answer(receipt, body)
        yield Page(name, SUFFIX, answer, items=receipt.row_count)


def _receptions(connector: DepositConnector, client: HttpClient) -> list[Reception]:
    if client.target.data_dir is None:
        msg = f"{client.target.endpoint_id}: no data directory"
        raise FetchError(msg)
    sources_dir = Settings().sources_dir or SOURCES_DIR
    channel = load_channel(find_form(connector.form), sources_dir)
    return receptions(channel, Layout(client.target.data_dir))


def _sweep(reception: Reception) -> None:
    try:
        swept = reception.sweep()
    except Busy as error:
        # Who is at it already answers; what is accepted so far is collected.
        _log.info("%s", error)
        return
    for failure in swept.failures:
        _log.warning("%s", failure)


def _all_receipts(found: Iterable[Reception]) -> list[Receipt]:
    return [receipt for one in found for receipt in one.deposits.receipts()]


def _read(reception: Reception, receipt: Receipt, label: str) -> bytes:
    try:
        return reception.deposits.content(receipt)
    except LrtzcError as error:
        msg = f"{label}: {error}"
        raise FetchError(msg) from error


def _answer(receipt: Receipt, body: bytes) -> Answer:
    """The table as if a service had sent it; 304 where it is known."""
    invented = receipt.origin == SANDBOX
    return Answer(
        # Without the name of the file, which the partner chose.
        url=f"deposit:{receipt.form}/{receipt.depositor}/{receipt.mark}",
        status=HTTPStatus.OK if body else HTTPStatus.NOT_MODIFIED,
        headers={"x-lrtzc-sandbox": "synthetic"} if invented else {},
        body=body,
        fetched_at=receipt.received_at,
    )
