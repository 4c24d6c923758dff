"""Why an archive or a workbook is not read, for those who say it in other words."""

from __future__ import annotations

from enum import StrEnum

from lrtzc_pipelines.errors import ParseError


class Refusal(StrEnum):
    """Why an archive was refused, for who has to say it in other words."""

    DAMAGED = "damaged"
    TOO_LARGE = "too large"
    ENCRYPTED = "encrypted"
    PACKING = "packing"
    NAME = "name"
    NESTED = "nested"
    ABSENT = "absent"


class ArchiveError(ParseError):
    """An archive, or a file of it, is not what may be read.

    Attributes:
        refusal: Why, in one word.
    """

    def __init__(self, message: str, refusal: Refusal) -> None:
        super().__init__(message)
        self.refusal = refusal
