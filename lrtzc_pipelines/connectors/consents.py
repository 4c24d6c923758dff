"""The consents without which nobody's meter is asked about.

They stand in a private file of the operator's, one entry per meter, and name no person.
An error says which entry is wrong, never what it holds.
"""

from __future__ import annotations

import os
import stat
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from lrtzc_pipelines.errors import SettingsError
from lrtzc_pipelines.sources.frozen import Frozen

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LARGEST_BYTES = 10_000_000


class Consent(Frozen):
    """One consent. The person who gave it is not named here.

    Attributes:
        usage_point_id: The meter's 14 digits, in quotes: YAML would take them for a
            number and lose zeros.
        consented_from: First day that may be read.
        consented_until: Last day that may be read.
    """

    usage_point_id: Annotated[str, Field(pattern=r"^[0-9]{14}$", repr=False)]
    consented_from: date
    consented_until: date

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.consented_until < self.consented_from:
            msg = "consented_until is before consented_from"
            raise ValueError(msg)
        return self

    def within(self, start: date, end: date) -> tuple[date, date] | None:
        """The part of [start, end) that is consented to, in the same form."""
        first = max(start, self.consented_from)
        after = min(end, self.consented_until + timedelta(days=1))
        return (first, after) if first < after else None


_CONSENTS = TypeAdapter(tuple[Consent, ...])


def read_consents(path: Path) -> tuple[Consent, ...]:
    """The consents in a file, in its order.

    Raises:
        SettingsError: the file is absent, open to others than its owner, or is no list
            of consents.
    """
    body = _private_bytes(path)
    try:
        return _CONSENTS.validate_python(yaml.safe_load(body) or ())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark else ""
        msg = f"{path}: {place}not YAML"
        raise SettingsError(msg) from None
    except ValidationError as error:
        msg = f"{path}: {_explained(error)}"
        raise SettingsError(msg) from None


def _private_bytes(path: Path) -> bytes:
    """The bytes of a file that nobody but its owner may read."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            body = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        msg = f"{path}: the consents cannot be read: {error.strerror}"
        raise SettingsError(msg) from None
    if mode & _OTHERS:
        msg = f"{path}: only its owner may read the consents: chmod 600"
        raise SettingsError(msg)
    if len(body) > _LARGEST_BYTES:
        msg = f"{path}: larger than any list of consents"
        raise SettingsError(msg)
    return body


def _explained(error: ValidationError) -> str:
    """What is wrong, by entry and field, without any value.

    An unknown field is not named either: someone may have put a person there.
    """
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        place = [
            f"entry {part + 1}" if isinstance(part, int) else part
            for part in problem["loc"]
            if isinstance(part, int) or part in Consent.model_fields
        ]
        lines.append(f"{': '.join(map(str, place)) or 'the file'}: {problem['msg']}")
    return "; ".join(lines)
