"""The proof of tables of cells: recounted and attacked as they were written.

DuckDB recounts from the rows what each unit contributes to each cell, and what adds up
to what. All tables are attacked together, with those of linked sources that are public
already. No code that protects is used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import numpy as np

from lrtzc_pipelines.privacy.cell_attacks import attack
from lrtzc_pipelines.privacy.cell_recount import Recount, Written
from lrtzc_pipelines.privacy.cell_sums import (
    Contributions,
    Flags,
    Relation,
    Source,
    Sums,
)
from lrtzc_pipelines.sources.cell_protection import CellProtection

__all__ = ["RecountedCells", "Written", "recount_cells"]


@dataclass(frozen=True)
class RecountedCells:
    """What is wrong with tables of cells.

    Attributes:
        checked: Cells that were looked at.
        failing: Cells that are shown and may not be, or are not what the rows add up
            to, or are missing, or are secret with their value.
        breaches: Secret cells that can be worked out, by how.
    """

    checked: int
    failing: int
    breaches: Mapping[str, int] = field(default_factory=dict)


def recount_cells(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[Written]
) -> RecountedCells:
    """What is wrong with the tables of a source and those that it is linked with.

    What stands as it was released was looked at then, and its rows may be gone since:
    only regions with a row of the view `fresh` are.

    Args:
        connection: Where to count; tables of the name `cells_…` are made in it.
        tables: The source as it was written, and then those that are public already.
    """
    sides = {n: t.policy.takes[n] for t in tables for n in t.policy.sides}
    recount = Recount(connection, sides)
    for number, each in enumerate(tables):
        recount.take_rows(number, each)
        recount.take_written(number, each)
    recount.keep_fresh(tables[0].policy)
    failing = recount.differing() + recount.add_up()
    failing += recount.failing(tables[0].policy)
    breaches: Counter[str] = Counter()
    keys = recount.run(
        "select distinct key from cells_written where part = 0 "
        "intersect select key from cells"
    )
    for (key,) in keys:
        recount.choose(key)
        sums = _sums(recount, [each.policy for each in tables])
        found = attack(sums, _hidden(recount), tables[0].policy)
        breaches.update(breach.attack for breach in found)
    return RecountedCells(recount.checked(), failing, dict(breaches))


def _sums(recount: Recount, policies: Sequence[CellProtection]) -> Sums:
    """What adds up among the cells that were chosen."""
    cells = recount.arrays(
        "select value, units, largest from cells_here order by place"
    )
    parts = recount.arrays(
        "select number, amount from cells_units join cells_here using "  # noqa: S608 - our own names
        f"({recount.keys}) join cells_numbers using (unit) order by place, number"
    )
    units = cells["units"].astype(np.int64)
    return Sums(
        values=cells["value"].astype(float),
        units=units,
        largest=cells["largest"].astype(float),
        relations=tuple(_relations(recount)),
        contributions=Contributions(
            np.concatenate([[0], np.cumsum(units)]),
            parts["number"].astype(np.int64),
            parts["amount"].astype(float),
        ),
        sources=tuple(
            _source(recount, part, policy)
            for part, policy in enumerate(policies)
            if recount.run(f"select 1 from cells_rows_{part} natural join cells_key")  # noqa: S608 - a number
        ),
    )


def _relations(recount: Recount) -> Iterator[Relation]:
    for n in range(len(recount.sides)):
        others = [p for p in recount.columns if p not in {f"c{n}", f"g{n}"}]
        same = "".join(f" and c.{place} = p.{place}" for place in others)
        for total, parts in recount.run(
            "select p.place, list(c.place order by c.place) from cells_here as c "  # noqa: S608 - our own names
            f"join (select distinct * from cells_parents where side = {n}) as m on "
            f"c.c{n} = m.category and c.g{n} = m.grain join cells_here as p on "
            f"p.c{n} = m.parent and p.g{n} = m.coarser{same} "
            "group by p.place order by p.place"
        ):
            yield Relation(total, tuple(parts))


def _source(recount: Recount, part: int, policy: CellProtection) -> Source:
    """The rows of a source, and where they are in each of its tables."""
    places, joins = [], []
    for number, finest in enumerate(policy.finest):
        levels = [finest.get(name, len(t)) for name, t in recount.sides.items()]
        same = " and ".join(
            f"h{number}.c{n} = {category} and h{number}.g{n} = {grain}"
            for n, (category, grain) in enumerate(recount.taken(policy, levels))
        )
        places.append(f"h{number}.place as place_{number}")
        joins.append(f"join cells_here as h{number} on {same}")
    rows = recount.arrays(
        f"select number, sum(amount) as amount, {', '.join(places)} from "  # noqa: S608 - our own names
        f"cells_rows_{part} natural join cells_key join cells_numbers using (unit) "
        f"{' '.join(joins)} group by all order by all"
    )
    members = recount.arrays(
        "select bool_or(part is not null) as own from cells_here left join (select * "  # noqa: S608 - our own names
        f"from cells_wanted where part = {part}) using ({recount.keys}) "
        "group by place order by place"
    )
    columns = [rows[f"place_{number}"] for number in range(len(places))]
    return Source(
        members["own"].astype(bool),
        rows["number"].astype(np.int64),
        rows["amount"].astype(float),
        np.column_stack(columns).astype(np.int64),
    )


def _hidden(recount: Recount) -> Flags:
    """Cells that nobody shows."""
    found = recount.arrays(
        "select coalesce(bool_and(state = 'secret'), false) as hidden from cells_here "  # noqa: S608 - our own names
        f"left join cells_written using ({recount.keys}) group by place order by place"
    )
    return found["hidden"].astype(bool)
