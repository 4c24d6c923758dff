"""Every error the platform raises on purpose, each naming what it is about.

A message names the source, then the file or address, then the place in it. Row
contents never enter a message: they may be personal.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

LONGEST_SHOWN = 300
"""Letters of a text from outside that a message repeats."""


def one_line(text: str, longest: int = LONGEST_SHOWN) -> str:
    """What came from outside as a message can carry it: one short line of letters."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(plain.split())
    return line if len(line) <= longest else f"{line[:longest]}…"


class LrtzcError(Exception):
    """Base of the platform's own errors; the command line prints them unadorned."""


class SpecError(LrtzcError):
    """A specification, suite or endpoint file says something that cannot be used."""


class SettingsError(LrtzcError):
    """The environment lacks something, or holds something unusable."""


class FetchError(LrtzcError):
    """A service could not be read.

    Attributes:
        permanent: True where a second attempt would meet the same answer (a refusal,
            a wrong address); False for passing faults that were already retried.
        status: HTTP status that was the reason, where one was.
    """

    def __init__(
        self, message: str, *, permanent: bool = True, status: int | None = None
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.status = status

    def with_evidence(self, path: Path | None) -> FetchError:
        """This error, saying also where the refused bytes are kept."""
        if path is None:
            return self
        message = f"{self} (what came is kept in {path})"
        return FetchError(message, permanent=self.permanent, status=self.status)


class NothingYet(FetchError):
    """Nothing was ever received, and nobody is at fault: there is nothing to do."""


class ParseError(LrtzcError):
    """Bytes do not have the declared format; names file, row and column if known."""


class SchemaError(LrtzcError):
    """Declared columns did not come.

    Attributes:
        missing: Columns that did not come, by the producer's names.
        unknown: Columns that came and are not declared: new ones, or new names.
    """

    def __init__(
        self, message: str, missing: Sequence[str] = (), unknown: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.missing = tuple(missing)
        self.unknown = tuple(unknown)


class ValidationBlocked(LrtzcError):
    """A blocking check failed; the previous good data stay in place."""


class PrivacyError(LrtzcError):
    """What was to go on does not satisfy its protection; it does not go on."""


class AuditFailed(PrivacyError):
    """What was written does not pass its audit; it is withdrawn.

    Attributes:
        findings: What each check found (`privacy.audit.Finding`).
    """

    def __init__(self, message: str, findings: Sequence[Any]) -> None:
        super().__init__(message)
        self.findings = findings


class ReleaseError(LrtzcError):
    """A release could not be built, checked or switched."""


class Busy(LrtzcError):
    """Another process holds the lock that this work needs."""
