"""The inbox of a form: taking complete files in, having them judged, answering.

A file is copied to the deposits and flushed before it leaves the inbox, so that it is
never lost and never overwritten, and so that nobody can change it any more. Whatever
ends the process in between, the next look goes on where this one ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lrtzc_pipelines.deposits.checking import Verdict, check
from lrtzc_pipelines.deposits.contents import Content, read_content
from lrtzc_pipelines.deposits.forms import Form
from lrtzc_pipelines.deposits.intake import Copied, copy_in, leave, safe_name, waiting
from lrtzc_pipelines.deposits.problems import DepositRefused, Problem, refuse
from lrtzc_pipelines.deposits.receipts import (
    LIVE,
    SANDBOX,
    Deposits,
    Receipt,
    in_force,
    partly_covered,
)
from lrtzc_pipelines.deposits.reports import period, write_answer
from lrtzc_pipelines.expectations.suites import Suite
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import file_sha256, fingerprint
from lrtzc_pipelines.storage import locked, sync_directory
from lrtzc_pipelines.validating import VALIDATION_VERSION

DEPOSIT_VERSION = 1
"""Raised when this code would judge the same file differently."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Reception:
    """Where the files of one form come in.

    Attributes:
        form: The form.
        spec: Source that it feeds.
        suite: Suite of the source.
        layout: Where inbox and deposits are.
        now: The clock.
    """

    form: Form
    spec: SourceSpec
    suite: Suite
    layout: Layout
    now: Callable[[], datetime] = _now

    @property
    def inbox(self) -> Path:
        """Folder where the partner leaves files."""
        return self.layout.inbox(self.form.id)

    @property
    def deposits(self) -> Deposits:
        """The files that were taken in, and their receipts."""
        return Deposits(self.layout.deposits(self.form.id))

    @property
    def rules(self) -> str:
        """Hash of everything a judgement depends on, but for other deposits."""
        return fingerprint(
            DEPOSIT_VERSION,
            VALIDATION_VERSION,
            self.form.model_dump(mode="json"),
            self.spec.model_dump(mode="json"),
            self.suite.model_dump(mode="json"),
        )

    def sweep(self) -> list[Receipt]:
        """Takes in every complete file and answers; the receipts of those.

        Raises:
            Busy: another process is at it.
            LrtzcError: a file cannot be judged, and is none the worse for it.
        """
        lock = self.layout.lock(f"deposits-{self.form.id}")
        with locked(lock, f"the reception of {self.form.id}"):
            return list(self._sweep())

    def _sweep(self) -> Iterator[Receipt]:
        self.deposits.tidy()
        for path in waiting(self.inbox, self.form, self.now().timestamp()):
            receipt = self._take(path)
            if receipt:
                yield receipt
        # What a crash left without an answer.
        for stored in self.deposits.unchecked():
            yield self._answered(stored)

    def _take(self, path: Path) -> Receipt | None:
        """Takes one file in; None if it changed meanwhile, or went away."""
        copied = copy_in(path, self.deposits.folder)
        if copied is None:
            return None
        name = safe_name(path.name)
        earlier = self.deposits.find(copied.sha256)
        if earlier:
            copied.path.unlink()
            leave(path, copied)
            return self._again(earlier, name)
        stored = self._stored(copied, name)
        leave(path, copied)
        return self._answered(stored)

    def _stored(self, copied: Copied, name: str) -> Path:
        """The copy under its name for good, or the one that a crash left there."""
        for held in self.deposits.unchecked():
            if file_sha256(held) == copied.sha256:
                copied.path.unlink()
                return held
        stamp = f"{self.now():%Y%m%dT%H%M%SZ}"
        stored = self.deposits.folder / f"{stamp}-{copied.sha256[:8]}-{name}"
        copied.path.rename(stored)
        sync_directory(stored.parent)
        return stored

    def _again(self, earlier: Receipt, name: str) -> Receipt:
        """Answers to bytes that came before.

        What was refused is judged again: rules, or the other deposits, may have
        changed.
        """
        if not earlier.accepted:
            stored = self.deposits.folder / earlier.stored
            return self._answered(stored, name, again=True)
        receipt = earlier.model_copy(update={"name": name})
        if earlier not in in_force(self.deposits.receipts()):
            said = "Un dépôt plus récent de la même période l'a remplacé depuis."
            receipt = receipt.model_copy(update={"remarks": (*earlier.remarks, said)})
        write_answer(self.inbox, self.form, receipt, again=True)
        return receipt

    def _answered(
        self, stored: Path, name: str | None = None, *, again: bool = False
    ) -> Receipt:
        """Judges a file among the deposits, writes its receipt and the answer."""
        stamp, _, original = stored.name.split("-", 2)
        content, verdict = self.judged(stored, name or original)
        receipt = Receipt(
            form=self.form.id,
            source=self.spec.id,
            stored=stored.name,
            name=name or original,
            sha256=file_sha256(stored),
            bytes=stored.stat().st_size,
            received_at=datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
            checked_at=self.now(),
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
        try:
            content = self._content(path, name)
        except DepositRefused as error:
            return None, Verdict(error.problems)
        folder = self.deposits.folder
        verdict = check(content, self.form, self.spec, self.suite, folder)
        overlap = self._overlap(path, verdict)
        if overlap:
            verdict = Verdict((overlap,))
        if verdict.problems:
            return None, verdict
        remarks = (*content.remarks, *verdict.remarks)
        return content, Verdict((), verdict.row_count, verdict.periods, remarks)

    def _content(self, path: Path, name: str) -> Content:
        limit = self.form.max_megabytes * 1_000_000
        if path.stat().st_size > limit:
            why = f"le fichier dépasse {self.form.max_megabytes} Mo"
            refuse(why, "Déposez un fichier par période.")
        return read_content(name, path.read_bytes(), self.form, self.spec)

    def _overlap(self, path: Path, verdict: Verdict) -> Problem | None:
        others = [r for r in self.deposits.receipts() if r.stored != path.name]
        earlier = partly_covered(verdict.periods, self._origin(path), others)
        if earlier is None:
            return None
        return Problem(
            why=(
                f"le fichier ne couvre qu'une partie du dépôt « {earlier.name} », "
                f"accepté pour {period(earlier.periods)}"
            ),
            fix="Déposez toute sa période, pour le remplacer, ou seulement la suite.",
        )

    def _origin(self, path: Path) -> str:
        known = self.deposits.invented()
        return SANDBOX if known and file_sha256(path) in known else LIVE
