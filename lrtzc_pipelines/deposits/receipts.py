"""What became of each deposited file, kept beside it for good.

A receipt says when a file came, what it was, and whether it was taken. Which accepted
files make up a dataset follows from their receipts alone.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from pydantic import ValidationError

from lrtzc_pipelines.deposits.checking import CHECKING
from lrtzc_pipelines.deposits.intake import INCOMING
from lrtzc_pipelines.deposits.problems import Problem
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.layout import PRIVATE_DIR_MODE
from lrtzc_pipelines.states import State
from lrtzc_pipelines.storage import read_json, write_bytes, write_json

LIVE, SANDBOX = "live", "sandbox"
_STORED = re.compile(r"^\d{8}T\d{6}Z-[0-9a-f]{8}-.+$")


class Receipt(State):
    """What became of one file.

    Attributes:
        stored: Name of the file among the deposits.
        name: Name under which it was deposited.
        sha256: Hash of its bytes.
        fingerprint: Hash of the rules it was judged by.
        content_sha256: Hash of the CSV made of it; None if refused.
        periods: First days of the periods it covers.
        origin: `live`, or `sandbox` if it was invented.
    """

    form: str
    source: str
    stored: str
    name: str
    sha256: str
    bytes: int
    received_at: datetime
    checked_at: datetime
    fingerprint: str
    licence: str
    tier: str
    origin: str = LIVE
    accepted: bool
    content_sha256: str | None = None
    row_count: int = 0
    periods: tuple[date, ...] = ()
    sheet: str | None = None
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Deposits:
    """The deposits of one form.

    Attributes:
        folder: Private folder; made by the caller.
    """

    folder: Path

    def files(self) -> list[Path]:
        """The files themselves, oldest first."""
        found = [p for p in self.folder.iterdir() if _STORED.match(p.name)]
        return sorted(path for path in found if path.is_file())

    def receipts(self) -> list[Receipt]:
        """Every receipt, in the order in which they were written.

        Raises:
            LrtzcError: one cannot be read: what it stands for must not be forgotten.
        """
        found = [self._read(path) for path in self._part("receipts").glob("*.json")]
        return sorted(found, key=lambda r: (r.checked_at, r.stored))

    def find(self, sha256: str) -> Receipt | None:
        """The receipt of the file with these bytes."""
        found = [r for r in self.receipts() if r.sha256 == sha256]
        return found[-1] if found else None

    def unchecked(self) -> list[Path]:
        """Files without a receipt: a crash came in between."""
        done = {receipt.stored for receipt in self.receipts()}
        return [path for path in self.files() if path.name not in done]

    def tidy(self) -> None:
        """Removes what a crash left half-made; nothing of it was anything yet."""
        for path in self.folder.iterdir():
            if path.name.startswith(INCOMING):
                path.unlink()
            elif path.name.startswith(CHECKING):
                shutil.rmtree(path)

    def keep(self, content: bytes) -> None:
        """Keeps the CSV of an accepted file, under its hash."""
        path = self._content(hashlib.sha256(content).hexdigest())
        if not path.exists():
            write_bytes(path, content)

    def write(self, receipt: Receipt) -> None:
        """Writes a receipt; the CSV it speaks of is kept already."""
        path = self._part("receipts") / f"{receipt.stored}.json"
        write_json(path, receipt.model_dump(mode="json"))

    def content(self, receipt: Receipt) -> bytes:
        """The CSV of an accepted file.

        Raises:
            LrtzcError: it is no longer what was accepted.
        """
        path = self._content(str(receipt.content_sha256))
        body = path.read_bytes() if path.exists() else b""
        if hashlib.sha256(body).hexdigest() != receipt.content_sha256:
            msg = f"{path}: is missing or damaged"
            raise LrtzcError(msg)
        return body

    def invented(self) -> set[str]:
        """Hashes of the files that a sandbox made."""
        return set(read_json(self.folder / "invented.json") or ())

    def note_invented(self, sha256: str) -> None:
        """Notes that the file with these bytes is invented, before it comes."""
        known = self.invented() | {sha256}
        write_json(self.folder / "invented.json", sorted(known))

    def _content(self, sha256: str) -> Path:
        return self._part("contents") / f"{sha256}.csv"

    def _part(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(mode=PRIVATE_DIR_MODE, exist_ok=True)
        return path

    def _read(self, path: Path) -> Receipt:
        try:
            return Receipt.model_validate_json(path.read_bytes())
        except ValidationError as error:
            msg = f"{path}: the receipt cannot be read"
            raise LrtzcError(msg) from error


def in_force(receipts: Iterable[Receipt]) -> list[Receipt]:
    """The accepted files that make up the dataset, oldest first.

    Those that a later file replaces are not among them, nor invented ones where there
    is anything real.
    """
    accepted = [receipt for receipt in receipts if receipt.accepted]
    real = [receipt for receipt in accepted if receipt.origin == LIVE]
    chosen = real or accepted
    return [
        receipt
        for index, receipt in enumerate(chosen)
        if not any(replaces(later, receipt) for later in chosen[index + 1 :])
    ]


def replaces(later: Receipt, earlier: Receipt) -> bool:
    """Whether a file takes the place of an earlier one: it covers all its periods."""
    return later.origin == earlier.origin and set(earlier.periods) <= set(later.periods)


def partly_covered(
    periods: Sequence[date], origin: str, receipts: Iterable[Receipt]
) -> Receipt | None:
    """An accepted file of which only some periods would be covered anew.

    Both would then speak of the same months, or months would be lost.
    """
    for receipt in in_force(receipts):
        if receipt.origin != origin:
            continue
        shared = set(periods) & set(receipt.periods)
        if shared and not set(receipt.periods) <= set(periods):
            return receipt
    return None
