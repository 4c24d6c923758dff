"""What a reader of published tables can work out, by trying to.

Nothing here knows how cells were chosen: it is the attacker's side, and shares no code
with what protects. An attacker has the published cells of all tables that share some,
knows what adds up to what and that no quantity is negative; a unit knows its own
contributions besides, and where it is alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from lrtzc_pipelines.privacy.cell_attackers import Attacker
from lrtzc_pipelines.privacy.cell_sums import Flags, Relation, Sums

_TINY = 1e-9
Attack = Literal["published", "sums", "unit", "union"]


class Rule(Protocol):
    """What is forbidden, as a policy says it."""

    @property
    def min_units(self) -> int:
        """Fewest units of a cell."""

    @property
    def dominance(self) -> float:
        """Largest share of its largest unit."""

    @property
    def protection(self) -> float:
        """How far off a secret must stay, as a share of its value."""


@dataclass(frozen=True)
class Breach:
    """A cell that an attack reaches.

    Attributes:
        attack: How: the cell stands there, what adds up gives it, a unit's knowledge
            gives it, or the suppressed cells of a sum together are one.
        cell: The cell, or the total of the sum.
        low: Least that the attacker finds possible.
        high: Most that the attacker finds possible.
    """

    attack: Attack
    cell: int
    low: float
    high: float


def attack(table: Sums, suppressed: Flags, rule: Rule) -> list[Breach]:
    """Every breach of tables that are published without their suppressed cells.

    Args:
        table: The truth.
        suppressed: Cells that are left out of every table that has them.
        rule: What is forbidden.
    """
    found, secret = [], []
    for cell in range(table.count):
        value = float(table.values[cell])
        if _is_forbidden(
            int(table.units[cell]), value, float(table.largest[cell]), rule
        ):
            if suppressed[cell]:
                secret.append(cell)
            else:
                found.append(Breach("published", cell, value, value))
    attacker = Attacker(table, suppressed)
    for cell in secret:
        value = float(table.values[cell])
        if bounds := attacker.works_out(cell, rule.protection * value):
            low, high = value + bounds.low, value + bounds.high
            found.append(Breach(bounds.known_by, cell, low, high))
    return found + list(_unions(table, suppressed, rule))


def _is_forbidden(units: int, value: float, largest: float, rule: Rule) -> bool:
    over = rule.dominance * value + _TINY
    return 0 < units < rule.min_units or (units > 0 and largest > over)


def _unions(table: Sums, suppressed: Flags, rule: Rule) -> Iterator[Breach]:
    """Sums whose suppressed cells, known together, are a forbidden cell."""
    for relation in table.relations:
        hidden = _hidden_parts(relation, suppressed)
        if not hidden or suppressed[relation.total]:
            continue
        per_unit: dict[int, float] = {}
        for cell in hidden:
            for unit, value in zip(*table.contributions.to(cell), strict=True):
                per_unit[unit] = per_unit.get(unit, 0.0) + float(value)
        value, largest = sum(per_unit.values()), max(per_unit.values())
        if _is_forbidden(len(per_unit), value, largest, rule):
            yield Breach("union", relation.total, value, value)


def _hidden_parts(relation: Relation, suppressed: Flags) -> Sequence[int]:
    return [part for part in relation.parts if suppressed[part]]
