"""The inbox of a depositor: taking complete files in, having them judged, answering.

A file is copied to the deposits and flushed before it leaves the inbox, so that it is
never lost and never overwritten, and so that nobody can change it any more. Whatever
ends the process in between, the next look goes on where this one ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from lrtzc_pipelines.deposits.checking import Verdict
from lrtzc_pipelines.deposits.folders import misled
from lrtzc_pipelines.deposits.forms import Channel, Form
from lrtzc_pipelines.deposits.intake import (
    Copied,
    Waiting,
    claim,
    copy_in,
    leave,
    untakable,
    waiting,
)
from lrtzc_pipelines.deposits.judging import judge
from lrtzc_pipelines.deposits.receipts import (
    LIVE,
    SANDBOX,
    Deposits,
    Receipt,
    in_force,
    mark,
    partly_covered,
)
from lrtzc_pipelines.deposits.records import Content
from lrtzc_pipelines.deposits.reports import (
    overlap,
    replaced,
    write_answer,
    write_notice,
)
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.states import file_sha256, fingerprint
from lrtzc_pipelines.storage import locked, sync_directory
from lrtzc_pipelines.validating import VALIDATION_VERSION

DEPOSIT_VERSION = 2
"""Raised when this code would judge the same file differently."""

_END_OF_TIME = datetime(9999, 12, 1, tzinfo=UTC)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Swept:
    """What one look at an inbox brought.

    Attributes:
        receipts: What became of the files that were there.
        failures: What keeps others from being taken or judged, for the operator.
    """

    receipts: tuple[Receipt, ...]
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Reception:
    """Where the files of one depositor come in, for one form.

    Attributes:
        channel: The form, and the source that it feeds.
        depositor: Name of the depositor's folder.
        layout: Where inbox and deposits are.
        now: The clock.
    """

    channel: Channel
    depositor: str
    layout: Layout
    now: Callable[[], datetime] = _now

    @property
    def form(self) -> Form:
        """The form."""
        return self.channel.form

    @property
    def inbox(self) -> Path:
        """Folder where the partner leaves files; absent once it is closed."""
        return self.layout.inbox(self.form.id, self.depositor)

    @property
    def deposits(self) -> Deposits:
        """The files that were taken in, and their receipts."""
        return Deposits(self.layout.deposits(self.form.id, self.depositor))

    @property
    def rules(self) -> str:
        """Hash of everything a judgement depends on, but for other deposits."""
        return fingerprint(
            DEPOSIT_VERSION,
            VALIDATION_VERSION,
            self.form.model_dump(mode="json"),
            self.channel.spec.model_dump(mode="json"),
            self.channel.suite.model_dump(mode="json"),
        )

    def sweep(self) -> Swept:
        """Takes in every complete file and answers.

        A file that cannot be taken or judged stays where it is, and keeps no other
        from it.

        Raises:
            Busy: another process is at it.
            LrtzcError: receipts cannot be read.
        """
        lock = self.layout.lock(f"deposits-{self.form.id}-{self.depositor}")
        with locked(lock, f"the reception of {self.form.id} for {self.depositor}"):
            self.deposits.tidy()
            receipts: list[Receipt] = []
            failures = []
            problem = misled(self.layout, self.inbox)
            if problem:
                return Swept((), (f"{self._label}: {problem}",))
            for step in self._steps():
                try:
                    receipt = step()
                except LrtzcError as error:
                    failures.append(f"{self._label}: {error}")
                except OSError as error:
                    # Its text has paths, and with them the partner's names.
                    failures.append(f"{self._label}: {error.strerror}")
                else:
                    receipts += [receipt] if receipt else []
            return Swept(tuple(receipts), tuple(failures))

    @property
    def _label(self) -> str:
        return f"{self.form.id}: {self.depositor}"

    def _steps(self) -> Iterator[Callable[[], Receipt | None]]:
        """What there is to do, each step listed once those before it are done."""
        for file in waiting(self.inbox, self.form, self.now().timestamp()):
            yield partial(self._take, file)
        # What a crash left without an answer.
        for stored in self.deposits.unchecked():
            yield partial(self._answered, stored)
        for name, is_file in untakable(self.inbox, self.form).items():
            yield partial(write_notice, self.inbox, self.form, name, is_file=is_file)

    def _take(self, file: Waiting) -> Receipt | None:
        """Takes one file in; None if it is being written to, or went away."""
        claimed = claim(file)
        copied = copy_in(claimed, self.deposits.folder) if claimed else None
        if claimed is None or copied is None:
            return None
        held = self._unanswered(copied.sha256)
        if held and _name(held) != file.name:
            # Another file of the same bytes, to be answered by its own name first.
            self._answered(held)
            held = None
        earlier = self.deposits.find(copied.sha256)
        if earlier:
            copied.path.unlink()
            receipt = self._again(earlier, file.name)
            leave(claimed, copied)
            return receipt
        stored = self._stored(copied, file.name, held)
        # It is held for good, whatever comes of it: the next look answers at least.
        leave(claimed, copied)
        return self._answered(stored)

    def _unanswered(self, sha256: str) -> Path | None:
        """The file with these bytes that a crash left without an answer."""
        waiting = self.deposits.unchecked()
        return next((path for path in waiting if file_sha256(path) == sha256), None)

    def _stored(self, copied: Copied, name: str, held: Path | None) -> Path:
        """The copy under its name for good, or the one that a crash left there."""
        if held:
            copied.path.unlink()
            return held
        stamp = f"{self.now():%Y%m%dT%H%M%SZ}"
        stored = self.deposits.folder / f"{stamp}-{copied.sha256[:8]}-{name}"
        if stored.exists():
            msg = f"{mark(stored.name)}: another file has this mark; try again"
            raise LrtzcError(msg)
        copied.path.rename(stored)
        sync_directory(stored.parent)
        return stored

    def _again(self, earlier: Receipt, name: str) -> Receipt:
        """Answers to bytes that came before.

        What counts already is told once more. What was refused, or replaced since, is
        judged again: rules, or the other deposits, may have changed, and the partner
        may want an earlier version back.
        """
        if earlier not in in_force(self.deposits.receipts()):
            stored = self.deposits.folder / earlier.stored
            return self._answered(stored, name, is_again=True)
        receipt = earlier.model_copy(update={"name": name})
        write_answer(self.inbox, self.form, receipt, again=self.now())
        return receipt

    def _answered(
        self, stored: Path, name: str | None = None, *, is_again: bool = False
    ) -> Receipt:
        """Judges a file among the deposits, writes its receipt and the answer."""
        stamp, original = stored.name[:16], _name(stored)
        with self.deposits.judging(stored.name):
            content, verdict = self.judged(stored, name or original)
        receipt = Receipt(
            form=self.form.id,
            depositor=self.depositor,
            source=self.channel.spec.id,
            stored=stored.name,
            name=name or original,
            sha256=file_sha256(stored),
            bytes=stored.stat().st_size,
            received_at=datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
            checked_at=self.deposits.following(self.now()),
            fingerprint=self.rules,
            licence=self.form.licence,
            tier=str(self.form.tier),
            origin=self._origin(stored),
            accepted=not verdict.problems,
            content_sha256=content.sha256 if content else None,
            row_count=verdict.row_count,
            periods=verdict.periods,
            sheet=content.sheet if content else None,
            problems=verdict.problems,
            remarks=verdict.remarks,
        )
        if content:
            self.deposits.keep(content.body)
        again = self.now() if is_again else None
        # The receipt comes last: without it, all of this is done again.
        write_answer(self.inbox, self.form, receipt, again=again)
        self.deposits.write(receipt)
        return receipt

    def judged(self, path: Path, name: str) -> tuple[Content | None, Verdict]:
        """The table in a file if it is accepted, and what was found.

        Args:
            path: The file; only read.
            name: Its name as the partner gave it, whose extension counts.

        Raises:
            LrtzcError: the platform cannot judge.
        """
        origin = self._origin(path)
        # What is invented has a time of its own, which may lie ahead.
        now = self.now() if origin == LIVE else _END_OF_TIME
        content, verdict = judge(
            path, name, self.channel, depositor=self.depositor, now=now
        )
        if content is None:
            return None, verdict
        others = [r for r in self.deposits.receipts() if r.stored != path.name]
        partial_one = partly_covered(verdict.periods, origin, others)
        if partial_one:
            return None, Verdict((overlap(partial_one, self.form),))
        remarks = (*verdict.remarks, *self._replaced(verdict, origin, others))
        return content, replace(verdict, remarks=remarks)

    def _replaced(
        self, verdict: Verdict, origin: str, others: list[Receipt]
    ) -> Iterator[str]:
        """Says which deposits a file takes the place of."""
        for earlier in in_force(r for r in others if r.origin == origin):
            if set(earlier.periods) <= set(verdict.periods):
                yield replaced(earlier)

    def _origin(self, path: Path) -> str:
        known = self.deposits.invented()
        return SANDBOX if known and file_sha256(path) in known else LIVE


def _name(stored: Path) -> str:
    """The name under which a file among the deposits came."""
    return stored.name.split("-", 2)[2]
