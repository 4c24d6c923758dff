"""What became of each deposited file, kept beside it for good.

A receipt says when a file came, what it was, and whether it was taken. Which accepted
files make up a dataset follows from their receipts alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lrtzc_pipelines.deposits.problems import Problem
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.layout import PRIVATE_DIR_MODE
from lrtzc_pipelines.states import State
from lrtzc_pipelines.storage import write_bytes, write_json

LIVE, SANDBOX = "live", "sandbox"
MOST_ATTEMPTS = 3
_STORED = re.compile(r"^\d{8}T\d{6}Z-[0-9a-f]{8}-.+$")
_MARK = len("20260301T083000Z-01234567")


class Receipt(State):
    """What became of one file.

    Attributes:
        depositor: Whose inbox it came in.
        stored: Name of the file among the deposits.
        name: Name under which it was last deposited.
        sha256: Hash of its bytes.
        checked_at: When it was judged; the order in which accepted files count.
        fingerprint: Hash of the rules it was judged by.
        content_sha256: Hash of the CSV made of it; None if refused.
        periods: First days of the periods it covers.
        origin: `live`, or `sandbox` if it was invented.
    """

    form: str
    depositor: str
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

    @property
    def mark(self) -> str:
        """What tells the file among the deposits without its name."""
        return mark(self.stored)


def mark(stored: str) -> str:
    """When a file came and the start of its hash; its name may be personal."""
    return stored[:_MARK]


@dataclass(frozen=True)
class Deposits:
    """The deposits of one depositor for one form.

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
        found = [self._read(p) for p in (self.folder / "receipts").glob("*.json")]
        return sorted(found, key=lambda r: (r.checked_at, r.stored))

    def find(self, sha256: str) -> Receipt | None:
        """The receipt of the file with these bytes."""
        found = [r for r in self.receipts() if r.sha256 == sha256]
        return found[-1] if found else None

    def unchecked(self) -> list[Path]:
        """Files without a receipt: a crash came in between."""
        # By their names alone: the sensor asks once a minute.
        done = {path.stem for path in (self.folder / "receipts").glob("*.json")}
        return [path for path in self.files() if path.name not in done]

    def following(self, moment: datetime) -> datetime:
        """A moment after every receipt: a clock set back must not change their order.

        Args:
            moment: What the clock says.
        """
        receipts = self.receipts()
        if not receipts:
            return moment
        return max(moment, receipts[-1].checked_at + timedelta(microseconds=1))

    def tidy(self) -> None:
        """Removes what a crash left half-written; nothing hangs on it yet."""
        for folder in (self.folder, self._part("receipts"), self._part("contents")):
            for path in folder.iterdir():
                if path.name.startswith("."):
                    path.unlink()

    def keep(self, content: bytes) -> None:
        """Keeps the CSV of an accepted file, under its hash."""
        write_bytes(self._content(hashlib.sha256(content).hexdigest()), content)

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

    @contextmanager
    def judging(self, stored: str) -> Iterator[None]:
        """Notes for the block that a file is being judged.

        Raises:
            LrtzcError: the last attempts ended the process, and so might this one.
        """
        attempts = self._attempts()
        count = int(attempts.get(stored, 0)) + 1
        if stored in self.stuck():
            msg = (
                f"{mark(stored)}: judging it ended the process {MOST_ATTEMPTS} times; "
                f"delete {self._judging} to try again"
            )
            raise LrtzcError(msg)
        before = {name: n for name, n in attempts.items() if name != stored}
        write_json(self._judging, {**before, stored: count})
        try:
            yield
        except (LrtzcError, OSError):
            # The process lives, and tells.
            write_json(self._judging, before)
            raise
        write_json(self._judging, before)

    def stuck(self) -> set[str]:
        """Files that are not judged any more, since it ended the process."""
        return {name for name, n in self._attempts().items() if n >= MOST_ATTEMPTS}

    def invented(self) -> set[str]:
        """Hashes of the files that a sandbox made.

        Raises:
            LrtzcError: the list cannot be read: invented rows would pass for real.
        """
        return set(self._listed("invented.json", list))

    def note_invented(self, sha256: str) -> None:
        """Notes that the file with these bytes is invented, before it comes."""
        known = self.invented() | {sha256}
        write_json(self.folder / "invented.json", sorted(known))

    @property
    def _judging(self) -> Path:
        return self.folder / "judging.json"

    def _attempts(self) -> dict[str, int]:
        found: dict[str, int] = self._listed(self._judging.name, dict)
        return found

    def _listed(self, name: str, kind: type) -> Any:
        path = self.folder / name
        try:
            found = json.loads(path.read_bytes())
        except FileNotFoundError:
            return kind()
        except ValueError:
            found = None
        if not isinstance(found, kind):
            msg = f"{path}: cannot be read"
            raise LrtzcError(msg)
        return found

    def _content(self, sha256: str) -> Path:
        return self._part("contents") / f"{sha256}.csv"

    def _part(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(mode=PRIVATE_DIR_MODE, exist_ok=True)
        return path

    def _read(self, path: Path) -> Receipt:
        try:
            return Receipt.model_validate_json(path.read_bytes())
        except ValidationError:
            # What pydantic says of it quotes it.
            msg = f"{path.parent / mark(path.name)}: the receipt cannot be read"
            raise LrtzcError(msg) from None


def in_force(receipts: Iterable[Receipt]) -> list[Receipt]:
    """The accepted files that make up the dataset, oldest first.

    Those that a later file of their depositor replaces are not among them, nor
    invented ones where there is anything real.

    Args:
        receipts: Of every depositor of a form, each one's in their order.
    """
    accepted = [receipt for receipt in receipts if receipt.accepted]
    real = [receipt for receipt in accepted if receipt.origin == LIVE]
    chosen = real or accepted
    return sorted(
        (
            receipt
            for index, receipt in enumerate(chosen)
            if not any(replaces(later, receipt) for later in chosen[index + 1 :])
        ),
        key=lambda receipt: (receipt.received_at, receipt.stored),
    )


def replaces(later: Receipt, earlier: Receipt) -> bool:
    """Whether a file takes the place of an earlier one: it covers all its periods."""
    same = (later.origin, later.depositor) == (earlier.origin, earlier.depositor)
    return same and set(earlier.periods) <= set(later.periods)


def partly_covered(
    periods: Sequence[date], origin: str, receipts: Iterable[Receipt]
) -> Receipt | None:
    """An accepted file of which only some periods would be covered anew.

    Both would then speak of the same months, or months would be lost.

    Args:
        periods: What a new file covers.
        origin: Whether that is real or invented.
        receipts: Those of its depositor.
    """
    for receipt in in_force(r for r in receipts if r.origin == origin):
        shared = set(periods) & set(receipt.periods)
        if shared and not set(receipt.periods) <= set(periods):
            return receipt
    return None
