"""Tables and rows that follow each other: their differences, in SQL, for the audit."""

from __future__ import annotations

from itertools import product

import duckdb

from lrtzc_pipelines.privacy.audit_takes import counted, named, parquet, quoted, taken
from lrtzc_pipelines.privacy.contributions import (
    CELL,
    REGION,
    SEPARATOR,
    SUBJECT,
    SUBJECT_HEX,
)
from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.sources.protection import CellProtection, MicrodataProtection
from lrtzc_pipelines.sources.spec import SourceSpec

Connection = duckdb.DuckDBPyConnection
_TINY = 1e-9
_BREAK = f"chr({ord(SEPARATOR)})"


def thin_classes(
    connection: Connection, policy: MicrodataProtection, ledger: Ledger
) -> int:
    """Classes of rows that changed, since some release, by fewer rows than they need.

    The view `written` must be there.
    """
    columns = [row[0] for row in connection.execute("describe written").fetchall()]
    told = ", ".join(map(quoted, columns))
    quasi = ", ".join(quoted(q.column) for q in policy.quasi)
    # Rows come in all the ways there are: a union counts them without joining nulls.
    return sum(
        counted(
            connection,
            f"select {quasi} from (select {told}, abs(sum(side)) as n from "  # noqa: S608 - quoted names
            f"(select {told}, 1 as side from written union all select {told}, -1 "
            f"from {parquet(edition.cells_path)} where {REGION} is not "
            f"null) group by all) where ({quasi}) in (select ({quasi}) from "
            f"{parquet(edition.cells_path)}) group by {quasi} "
            f"having sum(n) between 1 and {policy.k - 1}",
        )
        for edition in ledger.editions()
    )


def thin_changes(
    connection: Connection, spec: SourceSpec, policy: CellProtection, ledger: Ledger
) -> int:
    """Shown changes of tables that too few firms make up, or one of them does.

    Also counts cells that are shown though they were secret before. The views
    `written`, `fresh` and `validated` must be there.
    """
    _contribute(connection, spec, policy, ledger.salt)
    state = quoted(f"{policy.measure.name}_state")
    failing = 0
    for edition in ledger.editions():
        cells = parquet(edition.cells_path)
        failing += counted(
            connection,
            f"select e.{CELL} from {cells} as e join told as w on w.region = "  # noqa: S608 - quoted names
            f"e.{REGION} and w.cell = e.{CELL} where e.{state} = 'secret' and "
            f"w.{state} <> 'secret' and w.is_fresh",
        )
        if edition.persons_path is None:
            failing += counted(
                connection,
                f"select e.{CELL} from {cells} as e join told as w on w.region = "  # noqa: S608 - quoted names
                f"e.{REGION} where w.is_fresh",
            )
            continue
        _differ(connection, parquet(edition.persons_path), policy)
        failing += counted(
            connection,
            f"select d.cell from changed as d join {cells} as e on e.{REGION} = "  # noqa: S608 - quoted names
            f"d.region and e.{CELL} = d.cell join told as w on w.region = d.region and "
            f"w.cell = d.cell where w.is_fresh and e.{state} <> 'secret' and "
            f"w.{state} <> 'secret' and (d.n < {policy.min_units} or "
            f"d.largest > {policy.dominance} * d.total + {_TINY})",
        )
    return failing


def _contribute(
    connection: Connection, spec: SourceSpec, policy: CellProtection, salt: str
) -> None:
    """The tables `now`, what each firm brings, and `told`, the cells."""
    columns = {d.name: d.column for d in policy.dimensions}
    apart = {n: (columns[n], policy.takes[n][0]) for n in policy.separate_by}
    levels = {
        level: (columns[name], policy.takes[name][place])
        for name in policy.sides
        for place, level in enumerate(_levels(policy, name))
    }
    amount = quoted(str(policy.measure.column))
    who = f"{quoted(policy.subject)}::varchar"
    connection.execute(
        f"create temp view units as select {taken(spec, apart | levels)}, "  # noqa: S608 - quoted names
        f"{amount} as amount, left(sha256(concat_ws('|', '{salt}', {who})), "
        f"{SUBJECT_HEX}) as who from validated where {amount} is not null"
    )
    finest = ", ".join(
        f"coalesce({quoted(level)}::varchar, '(absent)') as {quoted(level)}"
        for level in levels
    )
    connection.execute(
        f"create temp table now as select {_region(connection, 'units', policy)} as "  # noqa: S608 - quoted names
        f"region, {finest}, who, sum(amount) as amount from units group by all"
    )
    key = ", ".join(
        [quoted(side) for side in policy.sides]
        + [quoted(f"{n}_grain") for n in policy.sides if len(policy.takes[n]) > 1]
    )
    connection.execute(
        f"create temp table told as select {_region(connection, 'written', policy)} "  # noqa: S608 - quoted names
        f"as region, concat_ws({_BREAK}, {key}) as cell, w.*, "
        "exists (select 1 from fresh as f where f is not distinct from w) as is_fresh "
        "from written as w"
    )


def _levels(policy: CellProtection, name: str) -> list[str]:
    """What the ledger calls what is taken of a side, finest first."""
    return [f"{name} {place}" for place in range(len(policy.takes[name]))]


def _region(connection: Connection, view: str, policy: CellProtection) -> str:
    described = connection.execute(f"describe {view}").fetchall()
    kinds = {row[0]: row[1] for row in described}
    names = [named(name, kinds[name]) for name in policy.separate_by]
    return f"concat_ws({_BREAK}, {', '.join(names)})" if names else "''"


def _differ(connection: Connection, before: str, policy: CellProtection) -> None:
    """The table `changed`: every cell whose firms bring more or less, margins too."""
    levels = [quoted(lv) for name in policy.sides for lv in _levels(policy, name)]
    finest = ", ".join(levels)
    connection.execute(
        "create or replace temp table moved as with was as (select "  # noqa: S608 - names of ours
        f"{REGION} as region, {finest}, {SUBJECT} as who, -_value as amount "
        f"from {before}), both_of as (select region, {finest}, who, "
        "amount from was union all select region, "
        f"{finest}, who, amount from now where region in (select region from was)) "
        f"select region, {finest}, who, sum(amount) as amount from both_of group by all"
    )
    connection.execute(
        "create or replace temp table changed (region varchar, cell varchar, "
        "n bigint, total double, largest double)"
    )
    for cell in sorted(_nodes(policy)):
        connection.execute(
            "insert into changed select region, cell, count(*), sum(size), max(size) "  # noqa: S608 - names of ours
            f"from (select region, {cell} as cell, who, abs(sum(amount)) as size "
            f"from moved group by all) where size > {_TINY} group by region, cell"
        )


def _nodes(policy: CellProtection) -> set[str]:
    """The name of a cell at every choice of takes that some table has, in SQL."""
    found = set()
    for finest in policy.finest:
        choices = (
            range(
                finest.get(name, len(policy.takes[name])), len(policy.takes[name]) + 1
            )
            for name in policy.sides
        )
        for places in product(*choices):
            told, grains = [], []
            for name, place in zip(policy.sides, places, strict=True):
                levels = [*map(quoted, _levels(policy, name)), "'(total)'"]
                told.append(levels[place])
                if len(policy.takes[name]) > 1:
                    grains.append(f"'{[*policy.takes[name], 'all'][place]}'")
            found.add(f"concat_ws({_BREAK}, {', '.join([*told, *grains])})")
    return found
