"""Tables and rows that follow each other: their differences, in SQL, for the audit."""

from __future__ import annotations

import duckdb

from lrtzc_pipelines.privacy.audit_takes import counted, named, quoted, taken, text_of
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
            f"from read_parquet({text_of(edition.cells_path)}) where {REGION} is not "
            f"null) group by all) where ({quasi}) in (select ({quasi}) from "
            f"read_parquet({text_of(edition.cells_path)})) group by {quasi} "
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
    sides = [d.name for d in policy.dimensions if d.name not in policy.separate_by]
    _contribute(connection, spec, policy, sides, ledger.salt)
    state = quoted(f"{policy.measure.name}_state")
    failing = 0
    for edition in ledger.editions():
        cells = f"read_parquet({text_of(edition.cells_path)})"
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
        _differ(connection, text_of(edition.persons_path), sides)
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
    connection: Connection,
    spec: SourceSpec,
    policy: CellProtection,
    sides: list[str],
    salt: str,
) -> None:
    """The tables `now`, what each firm brings to each cell, and `told`, the cells."""
    takes = {d.name: (d.column, policy.takes[d.name]) for d in policy.dimensions}
    amount = quoted(str(policy.measure.column))
    who = f"{quoted(policy.subject)}::varchar"
    connection.execute(
        f"create temp view units as select {taken(spec, takes)}, {amount} as amount, "  # noqa: S608 - quoted names
        f"left(sha256(concat_ws('|', '{salt}', {who})), {SUBJECT_HEX}) as who "
        f"from validated where {amount} is not null"
    )
    cell = ", ".join(f"coalesce({quoted(s)}::varchar, '(absent)')" for s in sides)
    connection.execute(
        f"create temp table now as select {_region(connection, 'units', policy)} as "  # noqa: S608 - quoted names
        f"region, concat_ws({_BREAK}, {cell}) as cell, who, sum(amount) as amount "
        "from units group by all"
    )
    key = ", ".join(quoted(side) for side in sides)
    connection.execute(
        f"create temp table told as select {_region(connection, 'written', policy)} "  # noqa: S608 - quoted names
        f"as region, concat_ws({_BREAK}, {key}) as cell, w.*, "
        "exists (select 1 from fresh as f where f is not distinct from w) as is_fresh "
        "from written as w"
    )


def _region(connection: Connection, view: str, policy: CellProtection) -> str:
    described = connection.execute(f"describe {view}").fetchall()
    kinds = {row[0]: row[1] for row in described}
    names = [named(name, kinds[name]) for name in policy.separate_by]
    return f"concat_ws({_BREAK}, {', '.join(names)})" if names else "''"


def _differ(connection: Connection, before: str, sides: list[str]) -> None:
    """The table `changed`: every cell whose firms bring more or less, margins too."""
    parts = [
        f"string_split(cell, {_BREAK})[{n + 1}] as s{n}" for n in range(len(sides))
    ]
    names = [f"s{n}" for n in range(len(sides))]
    total = ", ".join(
        f"case when grouping({name}) = 1 then '(total)' else {name} end"
        for name in names
    )
    connection.execute(
        "create or replace temp table changed as with was as "  # noqa: S608 - names of ours
        f"(select {REGION} as region, {CELL} as cell, {SUBJECT} as who, _value as "
        f"amount from read_parquet({before})), both_of as (select region, cell, who, "
        "abs(coalesce(now.amount, 0) - coalesce(was.amount, 0)) as size from was "
        "full join now using (region, cell, who) where region in (select region from "
        f"was)), split as (select region, who, size, {', '.join(parts)} from both_of "
        f"where size > {_TINY}), per_firm as (select region, concat_ws({_BREAK}, "
        f"{total}) as cell, who, sum(size) as size from split "
        f"group by region, who, cube ({', '.join(names)})) "
        "select region, cell, count(*) as n, sum(size) as total, max(size) as largest "
        "from per_firm group by region, cell"
    )
