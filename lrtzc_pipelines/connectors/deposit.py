"""Files that partners deposited: those that wait are taken in, then a page for each.

Nothing is asked of anybody. A page is the table of one accepted file that no later one
replaces; accepted tables never change, so one that is known is not read again.
"""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus

from lrtzc_pipelines.connectors.answers import Answer
from lrtzc_pipelines.connectors.base import Known, Page, Pages
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.deposits.forms import find_form, load_fed_source
from lrtzc_pipelines.deposits.inbox import Reception
from lrtzc_pipelines.deposits.receipts import SANDBOX, Receipt, in_force
from lrtzc_pipelines.errors import Busy, FetchError, LrtzcError, NothingYet
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.sources.protocols import DepositConnector
from lrtzc_pipelines.sources.registry import SOURCES_DIR

SUFFIX = "csv"


def pages(connector: DepositConnector, client: HttpClient, known: Known) -> Pages:
    """The accepted files that make up the dataset, oldest first.

    Raises:
        NothingYet: no file was ever accepted.
        FetchError: accepted files are gone, or damaged.
    """
    reception = _reception(connector, client)
    # Who is at it already answers the partner; what is accepted so far is collected.
    with suppress(Busy):
        reception.sweep()
    receipts = in_force(reception.deposits.receipts())
    label = f"{client.target.endpoint_id}: deposits of {connector.form}"
    if not receipts:
        if known:
            msg = f"{label}: gone, and there were {len(known)}: restore them"
            raise FetchError(msg)
        msg = f"{label}: no file was accepted yet"
        raise NothingYet(msg)
    for receipt in receipts:
        name = f"{receipt.stored[:16]}-{str(receipt.content_sha256)[:8]}"
        body = b"" if name in known else _read(reception, receipt, label)
        client.bytes_received += len(body)
        answer = _answer(receipt, body)
        yield Page(name, SUFFIX, answer, items=receipt.row_count)


def _reception(connector: DepositConnector, client: HttpClient) -> Reception:
    if client.target.data_dir is None:
        msg = f"{client.target.endpoint_id}: no data directory"
        raise FetchError(msg)
    form = find_form(connector.form)
    spec, suite = load_fed_source(form, Settings().sources_dir or SOURCES_DIR)
    return Reception(form, spec, suite, Layout(client.target.data_dir))


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
        url=f"deposit:{receipt.form}/{receipt.stored}",
        status=HTTPStatus.OK if body else HTTPStatus.NOT_MODIFIED,
        headers={"x-lrtzc-sandbox": "synthetic"} if invented else {},
        body=body,
        fetched_at=receipt.received_at,
    )
