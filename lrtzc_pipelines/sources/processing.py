"""What the register of processing (GDPR, article 30) says of a source about persons."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from lrtzc_pipelines.sources.frozen import Frozen

Told = Annotated[str, Field(min_length=10)]


class Processing(Frozen):
    """Why personal data are processed, in French; or why there are none.

    Attributes:
        purpose: What for.
        persons: Whose data.
        legal_basis: Article 6, and whether the data protection officer confirmed it.
        no_person: Why no column is about a person, where some are left out or made
            coarser for another reason.
    """

    purpose: Told | None = None
    persons: Told | None = None
    legal_basis: Told | None = None
    no_person: Told | None = None

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        about = (self.purpose, self.persons, self.legal_basis)
        if self.no_person:
            if any(about):
                msg = "processing: no_person stands alone"
                raise ValueError(msg)
        elif not all(about):
            msg = "processing: needs purpose, persons and legal_basis, or no_person"
            raise ValueError(msg)
        return self
