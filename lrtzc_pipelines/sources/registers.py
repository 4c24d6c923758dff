"""Other sources that somebody could set against what goes on of a protected one.

What belongs here: how a specification names such a register and says which of its
columns correspond to which of what goes on. Nothing is guessed from names; how the two
are set against each other is in `privacy.audit_linkage`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator

from lrtzc_pipelines.sources.columns import ColumnType
from lrtzc_pipelines.sources.frozen import Frozen
from lrtzc_pipelines.sources.takes import Take, check_take

if TYPE_CHECKING:
    from lrtzc_pipelines.sources.spec import SourceSpec

_SUITABLE = ("value", "first", "lookup", "below", "up_to")
_COUNTABLE = {ColumnType.INTEGER, ColumnType.NUMBER}


def _check_codes(takes: tuple[str, ...]) -> None:
    for take in takes:
        check_take(take)
        if take.partition(":")[0] not in _SUITABLE:
            msg = f"{take}: registers are set against by codes and numbers"
            raise ValueError(msg)


class Match(Frozen):
    """What of a register corresponds to a column of what goes on.

    Attributes:
        column: The column of what goes on.
        shown: What is taken of it, where it is told more finely than it corresponds.
        of: The column of the register.
        takes: What is taken of it; an entry may have another name at each level.
        labels: How what goes on calls what was taken, at whichever level; what is not
            named corresponds to nothing. Without labels both call it the same.
    """

    column: str
    shown: Take = "value"
    of: str
    takes: Annotated[tuple[Take, ...], Field(min_length=1)] = ("value",)
    labels: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @field_validator("takes")
    @classmethod
    def _of_codes(cls, takes: tuple[str, ...]) -> tuple[str, ...]:
        _check_codes(takes)
        return takes

    @field_validator("shown")
    @classmethod
    def _of_a_code(cls, shown: str) -> str:
        _check_codes((shown,))
        return shown


class Only(Frozen):
    """Which entries of a register are of the kind that goes on.

    Attributes:
        of: The column of the register.
        take: What is taken of it.
        values: What that must be.
    """

    of: str
    take: Take = "value"
    values: Annotated[tuple[str, ...], Field(min_length=1)]

    @field_validator("take")
    @classmethod
    def _of_codes(cls, take: str) -> str:
        _check_codes((take,))
        return take


class LinkedRegister(Frozen):
    """A source whose entries are known one by one.

    Attributes:
        source: Its id.
        what: What it counts, in French and in the plural.
        units: Column that says how many of them an entry is; one each if None.
        matches: What corresponds.
        only: Which of its entries count; all that satisfy each of these.
        population: Whether it is everybody whom the rows could be of, so that the risk
            of being found among them is measured.
        blocks: Whether a release fails that matches too few; otherwise it is told.
    """

    source: str
    what: Annotated[str, Field(min_length=3)]
    units: str | None = None
    matches: Annotated[tuple[Match, ...], Field(min_length=1)]
    only: tuple[Only, ...] = ()
    population: bool = False
    blocks: bool = True


class WithRegisters(Frozen):
    """What a protection says of registers."""

    linked_registers: tuple[LinkedRegister, ...] = ()


def register_problems(
    spec: SourceSpec, specs: Mapping[str, SourceSpec]
) -> Iterator[str]:
    """What is wrong with the registers of a source, given the sources there are.

    A register that is none of them is no mistake here: a smaller catalogue lacks it.
    """
    policy = spec.protection
    if policy is None:
        return
    links = policy.linked_registers
    names = [link.source for link in links]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"linked_registers: {name} is named twice"
    published = {column.name for column in spec.published_columns}
    for link in links:
        if link.source in specs:
            yield from _problems(link, published, specs[link.source])
    populations = sum(link.population for link in links)
    if policy.release != "microdata":
        if populations:
            yield "linked_registers: rows have a population, cells have none"
    elif policy.k_map is not None and populations != 1:
        yield "k_map: counted in the one register that is the population"


def absent_registers(
    spec: SourceSpec, specs: Mapping[str, SourceSpec]
) -> Iterator[str]:
    """Registers of a source that are no sources, in a catalogue that is whole."""
    for link in spec.protection.linked_registers if spec.protection else ():
        if link.source not in specs:
            yield f"linked_registers: {link.source}: is no source"


def _problems(
    link: LinkedRegister, published: set[str], register: SourceSpec
) -> Iterator[str]:
    label = f"linked_registers: {link.source}"
    if register.is_daily:
        yield f"{label}: is partitioned by day, so it is no register"
    unknown = [m.column for m in link.matches if m.column not in published]
    if unknown:
        yield f"{label}: {', '.join(unknown)} is nothing that goes on"
    types = {column.name: column.type for column in register.columns}
    asked = [*(m.of for m in link.matches), *(kept.of for kept in link.only)]
    absent = [name for name in [*asked, link.units] if name and name not in types]
    if absent:
        yield f"{label}: has no column {', '.join(absent)}"
    elif link.units and types[link.units] not in _COUNTABLE:
        yield f"{label}: {link.units} is no number of {link.what}"
