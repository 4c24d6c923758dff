"""Messages on the disk: appended durably, sealed whole, never changed after.

`current.jsonl` grows; a sealed file is named by the moment of its first message and by
its hash, so that it can be told from a damaged one. What cannot be taken is kept apart
in `refused/`. Nothing here knows a broker.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.layout import PRIVATE_DIR_MODE, PRIVATE_FILE_MODE
from lrtzc_pipelines.storage import (
    replacing,
    sync_directory,
    write_bytes,
    write_json,
)

CURRENT = "current.jsonl"
REFUSED = "refused"
INVENTED = "invented"
"""Part of the name of a file that a sandbox wrote."""

_STAMP = "%Y%m%dT%H%M%S%fZ"
_SEALED = re.compile(r"^(\d{8}T\d{12}Z)-([0-9a-f]{8})(?:\.(invented))?\.jsonl$")


@dataclass(frozen=True)
class Message:
    """One message of a broker, as it came.

    Attributes:
        received_at: UTC time at which it was here.
        topic: Topic it was published on.
        payload: Its bytes.
    """

    received_at: datetime
    topic: str
    payload: bytes

    def to_line(self) -> str:
        """The message as a line of JSON: text if it is JSON in UTF-8, else base64."""
        fields: dict[str, str] = {
            "received_at": self.received_at.isoformat(),
            "topic": self.topic,
        }
        if is_json(self.payload):
            fields["payload"] = self.payload.decode()
        else:
            fields["payload_base64"] = base64.b64encode(self.payload).decode()
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def is_json(payload: bytes) -> bool:
    """Whether bytes are a JSON document in UTF-8."""
    try:
        json.loads(payload.decode())
    except (ValueError, RecursionError):
        return False
    return True


@dataclass(frozen=True)
class Sealed:
    """A sealed file.

    Attributes:
        first_at: When its first message came, UTC.
        sha8: First characters of the sha256 of its bytes.
        invented: Whether a sandbox wrote it.
    """

    path: Path
    first_at: datetime
    sha8: str
    invented: bool

    @property
    def name(self) -> str:
        """Stable name, without extension."""
        return self.path.name.removesuffix(".jsonl")

    def read(self) -> bytes:
        """The bytes of the file.

        Raises:
            LrtzcError: they are no longer those that were sealed.
        """
        body = self.path.read_bytes()
        if not hashlib.sha256(body).hexdigest().startswith(self.sha8):
            msg = f"{self.path}: is damaged: its bytes are not those that were sealed"
            raise LrtzcError(msg)
        return body


def sealed_files(folder: Path) -> list[Sealed]:
    """The sealed files of a spool, oldest first."""
    found = []
    for path in folder.glob("*.jsonl"):
        match = _SEALED.match(path.name)
        if match:
            first_at = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)
            found.append(Sealed(path, first_at, match[2], bool(match[3])))
    return sorted(found, key=lambda sealed: sealed.path.name)


def sealed_name(first_at: datetime, sha256: str, *, invented: bool = False) -> str:
    """Name of a sealed file."""
    mark = f".{INVENTED}" if invented else ""
    return f"{first_at.astimezone(UTC):{_STAMP}}-{sha256[:8]}{mark}.jsonl"


@dataclass
class Spool:
    """The spool of one collector, written by one process at a time.

    Attributes:
        folder: Private folder; made by the caller, who holds its lock.
        seal_bytes: Size at which the current file is sealed.
        seal_after: Age of its first message at which it is sealed.
        refused_bytes: Room for what is kept apart.
    """

    folder: Path
    seal_bytes: int
    seal_after: timedelta
    refused_bytes: int
    repaired: int = field(init=False, default=0)
    """Bytes that a crash left half-written and that `open` took out."""

    _size: int = field(init=False, default=0)
    _first_at: datetime | None = field(init=False, default=None)
    _descriptor: int | None = field(init=False, default=None)

    @property
    def current(self) -> Path:
        """The file that grows."""
        return self.folder / CURRENT

    def open(self) -> None:
        """Repairs what a crash left, and gets ready to append."""
        body = self.current.read_bytes() if self.current.exists() else b""
        whole, damaged = _whole_lines(body)
        self.repaired = len(body) - len(whole)
        # A half line at the end was never acknowledged: the broker sends it again.
        # Anything else that is no line is a fault of the disk, worth a look.
        if damaged:
            write_bytes(self._aside(damaged, datetime.now(UTC), "bin"), damaged)
        if self.repaired:
            write_bytes(self.current, whole)
        self._start(whole)

    def append(self, messages: Sequence[Message]) -> None:
        """Returns once the messages are on the disk; only then may one acknowledge.

        Raises:
            OSError: the disk refuses. What was written of them is taken out when the
                spool is opened again.
        """
        assert self._descriptor is not None  # noqa: S101 - opened by the caller
        data = "".join(f"{message.to_line()}\n" for message in messages).encode()
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]
        os.fsync(self._descriptor)
        self._size += len(data)
        self._first_at = self._first_at or messages[0].received_at

    def refuse(self, message: Message, reason: str) -> None:
        """Keeps a message apart, durably, with the reason; the oldest make room."""
        about = {
            "received_at": message.received_at.isoformat(),
            "topic": message.topic,
            "reason": reason,
            "bytes": len(message.payload),
            "payload_base64": base64.b64encode(message.payload).decode(),
        }
        write_json(self._aside(message.payload, message.received_at, "json"), about)
        self._make_room()

    def seal_if_due(self, now: datetime) -> Path | None:
        """The current file, sealed, if it is large or old enough."""
        if self._first_at is None:
            return None
        is_old = now - self._first_at >= self.seal_after
        return self.seal() if is_old or self._size >= self.seal_bytes else None

    def seal(self) -> Path | None:
        """The current file, sealed; None if it holds nothing."""
        if self._first_at is None:
            return None
        self.close()
        body = self.current.read_bytes()
        name = sealed_name(self._first_at, hashlib.sha256(body).hexdigest())
        sealed = self.current.rename(self.folder / name)
        sync_directory(self.folder)
        self._start(b"")
        return sealed

    def forget(self, before: datetime) -> list[Path]:
        """Deletes the files sealed for messages that began before a moment."""
        old = [s.path for s in sealed_files(self.folder) if s.first_at < before]
        for path in old:
            path.unlink()
        return old

    def close(self) -> None:
        """Closes the current file, which stays as it is."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _start(self, body: bytes) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._descriptor = os.open(self.current, flags, PRIVATE_FILE_MODE)
        sync_directory(self.folder)
        self._size = len(body)
        first = body.partition(b"\n")[0]
        self._first_at = moment_of(json.loads(first)) if first else None

    def _aside(self, content: bytes, moment: datetime, suffix: str) -> Path:
        folder = self.folder / REFUSED
        folder.mkdir(mode=PRIVATE_DIR_MODE, exist_ok=True)
        sha8 = hashlib.sha256(content).hexdigest()[:8]
        return folder / f"{moment:{_STAMP}}-{sha8}.{suffix}"

    def _make_room(self) -> None:
        kept = sorted((self.folder / REFUSED).iterdir(), reverse=True)
        room = self.refused_bytes
        for number, path in enumerate(kept):
            room -= path.stat().st_size
            if room < 0 and number:
                path.unlink()


def moment_of(fields: dict[str, Any]) -> datetime:
    """When the message of a spool line came."""
    return datetime.fromisoformat(fields["received_at"])


def write_sealed(
    folder: Path, messages: Iterable[Message], *, invented: bool
) -> Path | None:
    """Writes messages as one sealed file at once; None if there are none."""
    every = list(messages)
    if not every:
        return None
    body = "".join(f"{message.to_line()}\n" for message in every).encode()
    sha256 = hashlib.sha256(body).hexdigest()
    path = folder / sealed_name(every[0].received_at, sha256, invented=invented)
    with replacing(path) as temporary:
        temporary.write_bytes(body)
    return path


def _whole_lines(body: bytes) -> tuple[bytes, bytes]:
    """The lines that are whole, and the damaged ones but for a torn last one."""
    *lines, _torn = body.split(b"\n")
    good: list[bytes] = []
    bad: list[bytes] = []
    for line in lines:
        (good if _is_line(line) else bad).append(line + b"\n")
    return b"".join(good), b"".join(bad)


def _is_line(line: bytes) -> bool:
    try:
        fields = json.loads(line)
        moment_of(fields)
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    return isinstance(fields["topic"], str) if "topic" in fields else False
