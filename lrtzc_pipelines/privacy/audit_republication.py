"""What was written, set against what was released before: in SQL, for the audit.

The rules are those of `republishing`; who contributes what is worked out anew from the
validated rows, by another engine, and compared with what the ledger holds.
"""

from __future__ import annotations

import duckdb

from lrtzc_pipelines.privacy.audit_takes import counted, named, parquet, quoted, taken
from lrtzc_pipelines.privacy.contributions import (
    CELL,
    DIGEST,
    DIGEST_HEX,
    REGION,
    ROWS,
    SEPARATOR,
    SUBJECT,
    SUBJECT_HEX,
    summed,
)
from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.sources.protection import AggregateProtection
from lrtzc_pipelines.sources.spec import SourceSpec

Connection = duckdb.DuckDBPyConnection


def stand(connection: Connection, ledger: Ledger | None) -> None:
    """Makes the view `fresh`: what was written and was not released just so before.

    What stands as it was released was audited then; its rows may be gone since.
    """
    if ledger is None or not ledger.editions():
        connection.execute("create view fresh as select * from written")
        return
    columns = [row[0] for row in connection.execute("describe written").fetchall()]
    _make_released(connection, ledger)
    known = {row[0] for row in connection.execute("describe released").fetchall()}
    same = " and ".join(
        f"w.{quoted(c)} is not distinct from r.{quoted(c)}" if c in known else "false"
        for c in columns
    )
    connection.execute(
        "create table fresh as select * from written as w "  # noqa: S608 - quoted names
        f"where not exists (select 1 from released as r where {same})"
    )


def _make_released(connection: Connection, ledger: Ledger) -> None:
    """The table `released`: every cell as it was last released."""
    parts = [
        f"select {number} as _edition, * from {parquet(e.cells_path)}"  # noqa: S608 - our own paths
        for number, e in enumerate(ledger.editions())
    ]
    together = " union all by name ".join(parts)
    connection.execute(f"create table editions as {together}")
    connection.execute(
        "create table released as select * exclude (_edition) from editions "  # noqa: S608 - a name of ours
        f"qualify _edition = max(_edition) over (partition by {REGION})"
    )


def too_near(
    connection: Connection,
    spec: SourceSpec,
    policy: AggregateProtection,
    ledger: Ledger,
) -> int:
    """Cells that, with what was released before, tell of too few persons.

    The views `written`, `validated` and `fresh` must be there.
    """
    editions = ledger.editions()
    if not editions:
        return 0
    _assign(connection, spec, policy)
    _contribute(connection, policy, ledger)
    failing = 0
    for number, edition in enumerate(editions):
        keyed = (
            "create or replace temp table keyed as select w.wid, e._cell, e._region "  # noqa: S608 - quoted names
            f"from editions as e left join w on {_same_key(policy)} "
            f"where e._edition = {number}"
        )
        connection.execute(keyed)
        if edition.persons_path is None:
            failing += counted(
                connection, "select wid from keyed semi join fresh_cells using (wid)"
            )
            continue
        connection.execute(
            "create or replace temp table before as select * from "  # noqa: S608 - our own path
            f"{parquet(edition.persons_path)}"
        )
        failing += _against(connection, policy)
    return failing


def _assign(
    connection: Connection, spec: SourceSpec, policy: AggregateProtection
) -> None:
    """The table `assigned`: which written cell each validated row is in."""
    subject = quoted(policy.subject)
    coarsest = {
        f"_in_{d.name}": (d.column, policy.grains[-1][d.name])
        for d in policy.dimensions
    }
    connection.execute(
        "create temp table w as select row_number() over () as wid, * from written"
    )
    connection.execute(
        "create temp view located as select *, "  # noqa: S608 - quoted names
        f"{taken(spec, coarsest)} from validated where {subject} is not null"
    )
    kinds = {
        row[0]: row[1] for row in connection.execute("describe located").fetchall()
    }
    told = ", ".join(named(name, kinds[name]) for name in coarsest)
    connection.execute(
        "create temp table v as select row_number() over () as vid, *, "  # noqa: S608 - quoted names
        f"concat_ws(chr({ord(SEPARATOR)}), {told}) as region from located"
    )
    connection.execute("create temp table assigned (vid bigint, wid bigint)")
    for grain in policy.grains:
        sides = {d.name: (d.column, grain[d.name]) for d in policy.dimensions}
        same = " and ".join(
            f"w.{quoted(side)} is not distinct from t.{quoted(side)}" for side in sides
        )
        own = " and ".join(
            f"w.{quoted(f'{n}_grain')} = '{grain[n]}'" for n in _graded(policy)
        )
        connection.execute(
            "insert into assigned select t.vid, w.wid from "  # noqa: S608 - quoted names
            f"(select vid, {taken(spec, sides)} from v anti join assigned using (vid)) "
            f"as t join w on {same} where {own or 'true'}"
        )


def _contribute(
    connection: Connection, policy: AggregateProtection, ledger: Ledger
) -> None:
    """The tables `now`, with every person's contribution, and `fresh_cells`."""
    subject = f"v.{quoted(policy.subject)}::varchar"
    told = ["count(*)"]
    for measure in policy.measures:
        if measure.column:
            column = f"v.{quoted(measure.column)}"
            told.append(f"count({column})")
            told.append(f"round(coalesce(sum({column}), 0) * 1000000)::bigint")
    sums = "".join(
        f"coalesce(sum(v.{quoted(m.column or '')}), 0)::double as {quoted(m.name)}, "
        for m in policy.measures
        if m.function == "sum"
    )
    person, parts = f"'{ledger.salt}', {subject}", ", ".join(told)
    connection.execute(
        f"create temp table now as select wid, any_value(region) as region, {sums}"  # noqa: S608 - quoted names
        f"count(*) as {ROWS}, "
        f"left(sha256(concat_ws('|', {person})), {SUBJECT_HEX}) as {SUBJECT}, "
        f"left(sha256(concat_ws('|', {person}, {parts})), {DIGEST_HEX}) as {DIGEST} "
        f"from assigned join v using (vid) group by wid, {subject}"
    )
    connection.execute(
        "create temp table fresh_cells as select w.wid from w "  # noqa: S608 - quoted names
        f"semi join fresh as e on {_same_key(policy)}"
    )


def _against(connection: Connection, policy: AggregateProtection) -> int:
    """Cells that differ from one earlier release by too few persons."""
    dominated = "".join(
        f" or max(_change_{n}) > {policy.max_share} * sum(_change_{n})"
        for n in range(len(summed(policy)))
    )
    changes = "".join(
        f", abs(coalesce(own.{quoted(name)}, 0) - coalesce(was.{quoted(name)}, 0)) "
        f"as _change_{n}"
        for n, name in enumerate(summed(policy))
    )
    connection.execute(
        "create or replace temp table differing as "  # noqa: S608 - quoted names
        "with was as (select before.*, wid from before "
        f"join keyed using ({CELL}) where wid is not null), "
        "own as (select now.* from now semi join keyed using (wid)) "
        f"select coalesce(was.wid, own.wid) as wid, "
        f"coalesce(was.{SUBJECT}, own.{SUBJECT}) as who, "
        f"coalesce(own.{ROWS}, 0) <= coalesce(was.{ROWS}, 0) as lost{changes} "
        f"from was full join own on was.wid = own.wid and was.{SUBJECT} = "
        f"own.{SUBJECT} where was.{DIGEST} is distinct from own.{DIGEST}"
    )
    # Where somebody lost rows, only who changed in no other cell surely stays in every
    # difference: rows that moved vanish from the sum of two cells.
    connection.execute(
        "create or replace temp table changed as select wid, "  # noqa: S608 - names of ours
        f"count(*) filter (where elsewhere = 1 or not moving) < {policy.min_subjects}"
        f"{dominated} as is_bad from (select *, count(*) over (partition by who) as "
        "elsewhere, bool_or(lost) over () as moving from differing) group by wid"
    )
    few = counted(
        connection,
        "select wid from changed semi join fresh_cells using (wid) where is_bad",
    )
    # A region told anew lacks a cell that it had.
    lost = counted(
        connection,
        f"select {CELL} from keyed where wid is null and {REGION} in "  # noqa: S608 - names of ours
        "(select region from now semi join fresh_cells using (wid))",
    )
    # A cell it did not have, beside some that changed: rows may have moved.
    joined = counted(
        connection,
        "select distinct now.wid from now anti join keyed using (wid) where region in "
        "(select region from now semi join changed using (wid))",
    )
    return few + lost + joined


def _graded(policy: AggregateProtection) -> list[str]:
    return [
        d.name
        for d in policy.dimensions
        if len({grain[d.name] for grain in policy.grains}) > 1
    ]


def _same_key(policy: AggregateProtection) -> str:
    names = [d.name for d in policy.dimensions]
    names += [f"{name}_grain" for name in _graded(policy)]
    return " and ".join(
        f"w.{quoted(name)} is not distinct from e.{quoted(name)}" for name in names
    )
