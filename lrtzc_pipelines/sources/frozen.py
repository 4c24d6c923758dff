"""The base of every model of the sources' files."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Base of every specification model: immutable, no unknown key."""

    model_config = ConfigDict(frozen=True, extra="forbid")
