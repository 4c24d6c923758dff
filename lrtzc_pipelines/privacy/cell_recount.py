"""Cells recounted from the rows by DuckDB, beside what was written of them.

No code that protects is used; a mistake there does not hide itself here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from lrtzc_pipelines.privacy.audit_takes import quoted, take
from lrtzc_pipelines.sources.cell_protection import CellProtection
from lrtzc_pipelines.sources.spec import SourceSpec

_TOTAL, _ALL, _ABSENT = "(total)", "all", "(absent)"
_NEAR = 1e-9
_SAME = 1e-6


@dataclass(frozen=True)
class Written:
    """Tables of a source as they were written.

    Attributes:
        spec: The source.
        policy: Its tables.
        rows: View of its validated rows, with points.
        cells: View of what was written.
    """

    spec: SourceSpec
    policy: CellProtection
    rows: str
    cells: str


class Recount:
    """Tables counted in DuckDB; `c` columns are categories, `g` their grain."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        sides: Mapping[str, Sequence[str]],
    ) -> None:
        """Takes where to count, and what is taken of each side of some table."""
        self._connection = connection
        self.sides = sides
        self.columns = [f"{letter}{n}" for n in range(len(sides)) for letter in "cg"]
        columns = ", ".join(f"{place} varchar" for place in self.columns)
        for name, more in (
            ("contributed", "part integer, unit varchar, amount double"),
            ("written", "part integer, value double, state varchar"),
        ):
            self.run(f"create table cells_{name} (key varchar, {columns}, {more})")
        self.run(
            "create table cells_parents (side integer, grain varchar, "
            "category varchar, coarser varchar, parent varchar)"
        )
        self.keys = ", ".join(["key", *self.columns])

    def run(self, query: str) -> list[tuple[Any, ...]]:
        """The rows that a query gives."""
        return self._connection.execute(query).fetchall()

    def arrays(self, query: str) -> dict[str, npt.NDArray[Any]]:
        """The columns that a query gives, without nulls."""
        found = self._connection.execute(query).fetchnumpy()
        return {name: np.asarray(column) for name, column in found.items()}

    def choose(self, key: str) -> None:
        """Numbers the cells of one thing that tables are separated by, and its units.

        They are then in `cells_here`, `cells_numbers` and `cells_key`.
        """
        self._connection.execute(
            "create or replace table cells_key as select ? as key", [key]
        )
        self.run(
            "create or replace table cells_here as select row_number() over (order by "  # noqa: S608 - our own names
            f"{self.keys}) - 1 as place, * from cells natural join cells_key"
        )
        self.run(
            "create or replace table cells_numbers as select unit, row_number() over "
            "(order by unit) as number from (select distinct unit from cells_units "
            "natural join cells_key)"
        )

    def take_rows(self, part: int, tables: Written) -> None:
        """Counts what each unit of a source contributes to each of its cells."""
        policy, rows = tables.policy, f"cells_rows_{part}"
        columns = {dimension.name: dimension.column for dimension in policy.dimensions}

        def taken(name: str, what: str) -> str:
            found = take(tables.spec, columns[name], what)
            return f"coalesce(({found})::varchar, '{_ABSENT}')"

        levels = "".join(
            f", {taken(name, what)} as l{n}_{level}"
            for n, name in enumerate(self.sides)
            for level, what in enumerate(policy.takes.get(name, ()))
        )
        amount = quoted(str(policy.measure.column))
        self.run(
            f"create table {rows} as select {_key(policy, taken)} as key{levels}, "  # noqa: S608 - quoted names
            f"coalesce({quoted(policy.subject)}::varchar, '{_ABSENT}') as unit, "
            f"{amount} as amount from {tables.rows} "
            f"where {amount} is not null"
        )
        for node in self._nodes(policy):
            self.run(
                f"insert into cells_contributed select key, {node}, {part}, unit, "  # noqa: S608 - our own names
                f"sum(amount) from {rows} group by all"
            )
        for query in self._coarser(policy, rows):
            self.run(f"insert into cells_parents {query}")

    def _nodes(self, policy: CellProtection) -> set[str]:
        """The columns of every choice of takes that some table has, in SQL."""
        every = (
            product(
                *(
                    range(finest.get(name, len(takes)), len(takes) + 1)
                    for name, takes in self.sides.items()
                )
            )
            for finest in policy.finest
        )
        return {
            ", ".join(
                f"{category} as c{n}, {grain} as g{n}"
                for n, (category, grain) in enumerate(self.taken(policy, levels))
            )
            for choices in every
            for levels in choices
        }

    def taken(
        self, policy: CellProtection, levels: Sequence[int]
    ) -> list[tuple[str, str]]:
        """Category and grain of each side at some levels, in SQL over its rows."""
        return [
            (f"l{n}_{level}", f"'{takes[level]}'")
            if name in policy.takes and level < len(takes)
            else (f"'{_TOTAL}'", f"'{_ALL}'")
            for n, ((name, takes), level) in enumerate(
                zip(self.sides.items(), levels, strict=True)
            )
        ]

    def _coarser(self, policy: CellProtection, rows: str) -> Iterator[str]:
        """What each category adds to, in SQL."""
        for n, name in enumerate(self.sides):
            takes = [*policy.takes.get(name, ()), _ALL]
            for level, what in enumerate(takes[:-1]):
                last = level + 2 == len(takes)
                above = f"'{_TOTAL}'" if last else f"l{n}_{level + 1}"
                yield (
                    f"select distinct {n}, '{what}', l{n}_{level}, "  # noqa: S608 - our own names
                    f"'{takes[level + 1]}', {above} from {rows}"
                )

    def take_written(self, part: int, tables: Written) -> None:
        """Reads what was written of a source."""
        policy = tables.policy

        def side(n: int, name: str) -> str:
            takes = policy.takes.get(name, ())
            if not takes:
                return f"'{_TOTAL}' as c{n}, '{_ALL}' as g{n}"
            grain = f"if({quoted(name)} = '{_TOTAL}', '{_ALL}', '{takes[0]}')"
            if len(takes) > 1:
                grain = quoted(f"{name}_grain")
            return f"{quoted(name)}::varchar as c{n}, {grain} as g{n}"

        categories = ", ".join(side(n, name) for n, name in enumerate(self.sides))
        measure = policy.measure.name
        self.run(
            f"insert into cells_written select {_written_key(policy)}, {categories}, "  # noqa: S608 - quoted names
            f"{part}, {quoted(measure)}, {quoted(f'{measure}_state')} "
            f"from {tables.cells}"
        )

    def keep_fresh(self, policy: CellProtection) -> None:
        """Forgets the regions that stand as they were released."""
        for table in ("cells_contributed", "cells_written"):
            self.run(
                f"delete from {table} where key not in (select "  # noqa: S608 - quoted names
                f"{_written_key(policy)} from fresh)"
            )

    def differing(self) -> int:
        """Contributions that linked sources do not agree on."""
        grains = ", ".join(["key", *(p for p in self.columns if p[0] == "g")])
        ((count,),) = self.run(
            f"with each as (select {self.keys}, unit, count(*) as n, max(amount) as "  # noqa: S608 - our own names
            "most, min(amount) as least from cells_contributed group by all), wanted "
            f"as (select {grains}, count(distinct part) as m from cells_contributed "
            f"group by all) select count(*) from each join wanted using ({grains}) "
            f"where n <> m or most - least > {_SAME} * (1 + most)"
        )
        return int(count)

    def add_up(self) -> int:
        """Adds up the cells; those of them that were not written once, or others."""
        self.run(
            f"create table cells_units as select {self.keys}, unit, max(amount) as "  # noqa: S608 - our own names
            "amount from cells_contributed group by all"
        )
        self.run(
            f"create table cells as select {self.keys}, count(*) as units, "  # noqa: S608 - our own names
            "sum(amount) as value, max(amount) as largest from cells_units group by all"
        )
        # Only what the source itself has is asked of it.
        self.run(
            f"create table cells_wanted as select distinct {self.keys}, part "  # noqa: S608 - our own names
            "from cells_contributed"
        )
        ((count,),) = self.run(
            "select count(*) from (select count(w.state) filter (where w.state in "  # noqa: S608 - our own names
            "('observed', 'secret')) as n, bool_or(c.part is null) as extra from "
            "cells_wanted as c full join cells_written as w using "
            f"({self.keys}, part) group by {self.keys}, part) where n <> 1 or extra"
        )
        return int(count)

    def failing(self, policy: CellProtection) -> int:
        """Cells that are shown though they may not be, or with another value."""
        ((count,),) = self.run(
            "select count(*) from cells_written as w join cells as c using "  # noqa: S608 - numbers
            f"({self.keys}) where w.state = 'observed' and (c.units < "
            f"{policy.min_units} or c.largest > {policy.dominance} * c.value + {_NEAR} "
            f"or w.value is null or abs(w.value - c.value) > {_SAME} * (1 + c.value)) "
            "or w.state = 'secret' and w.value is not null"
        )
        return int(count)

    def checked(self) -> int:
        """Cells of the source itself."""
        ((count,),) = self.run("select count(*) from cells_written where part = 0")
        return int(count)


def _key(policy: CellProtection, taken: Callable[[str, str], str]) -> str:
    """What tables are separated by, as one text."""
    parts = [taken(name, policy.takes[name][0]) for name in policy.separate_by]
    return f"concat_ws('|', '', {', '.join(parts)})" if parts else "''"


def _written_key(policy: CellProtection) -> str:
    """The same, of what was written."""
    return _key(
        policy, lambda name, _: f"coalesce({quoted(name)}::varchar, '{_ABSENT}')"
    )
