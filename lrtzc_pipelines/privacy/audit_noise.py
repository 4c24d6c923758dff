"""The audit of counts with noise, in SQL: cells, counts, noise, budget, and constancy.

The cells that there may be are worked out anew from the specification; persons are
counted anew from the validated rows, and no published count may be further from theirs
than noise ever goes, nor all of them nearer than it stays.
"""

from __future__ import annotations

import math
from itertools import pairwise

import duckdb

from lrtzc_pipelines.privacy.audit_takes import (
    ZONE,
    counted,
    quoted,
    take,
    text_of,
)
from lrtzc_pipelines.privacy.code_tables import OTHER, code_table
from lrtzc_pipelines.privacy.contributions import REGION, SEPARATOR
from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.privacy.noise_budget import BudgetAccount
from lrtzc_pipelines.sources.columns import ColumnType
from lrtzc_pipelines.sources.noise_protection import NoiseProtection
from lrtzc_pipelines.sources.sides import Dimension
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.sources.takes import LOOKUP

Connection = duckdb.DuckDBPyConnection

_NEAR = 1e-9
_FARTHEST = 40
"""Scales that noise stays within, but for once in 10^17 cells."""

_NEVER = math.log(1e-9)
"""An alarm is false less than once in a thousand million releases."""

_CHARGES = (
    "{series: 'bigint', period: 'varchar', year: 'bigint', epsilon: 'double', "
    "max_cells: 'bigint', charged_at: 'varchar'}"
)
_HASH_HEX = 32
_HOURS = 24


def noise_failures(
    connection: Connection,
    spec: SourceSpec,
    policy: NoiseProtection,
    ledger: Ledger | None,
) -> tuple[int, int]:
    """Cells that were looked at, and what is wrong with them or their budget.

    The views `written`, `validated` and `fresh` must be there.

    Args:
        connection: Where the views are.
        spec: The source.
        policy: Its protection.
        ledger: What was released and paid for before; without one nothing was paid.
    """
    has = _types(connection)
    if not _names(spec) <= has.keys():
        return 0, 1
    checked = counted(connection, "select * from written")
    is_whole = has["subject_count"] == "BIGINT"
    failing = int(not is_whole) + _cells(connection, spec, policy)
    failing += _numbers(connection, policy)
    if ledger is None:
        return checked, failing + checked
    failing += _payments(connection, spec, policy, ledger)
    return checked, failing + _recount(connection, spec, policy, ledger)


def redrawn(connection: Connection, spec: SourceSpec, policy: NoiseProtection) -> int:
    """Released cells that are not there as they were, and others of their periods.

    The table `released` must be there besides the views.
    """
    if not _names(spec) <= _types(connection).keys():
        return 1
    names = ", ".join(quoted(column.name) for column in spec.published_columns)
    changed = counted(
        connection,
        f"select {names} from released except all select {names} from written",  # noqa: S608 - quoted names
    )
    period = quoted(policy.period)
    beside = counted(
        connection,
        f"select * from fresh where {period} in (select {period} from released)",  # noqa: S608 - quoted names
    )
    return changed + beside


def _types(connection: Connection) -> dict[str, str]:
    """The columns that were written, with their types."""
    told = connection.execute("describe written").fetchall()
    return {row[0]: row[1] for row in told}


def _names(spec: SourceSpec) -> set[str]:
    return {column.name for column in spec.published_columns}


def _cells(connection: Connection, spec: SourceSpec, policy: NoiseProtection) -> int:
    """Cells that are missing, twice there or none of the public ones."""
    sides = [dimension.name for dimension in policy.counted_sides]
    joined = " cross join ".join(
        f"(select unnest({_list(_values(policy, name))}) as {quoted(name)})"
        for name in sides
    )
    period = quoted(policy.period)
    keys = ", ".join([period, *map(quoted, sides)])
    told = ", ".join(
        [period, *(f"{quoted(name)}::varchar as {quoted(name)}" for name in sides)]
    )
    connection.execute(
        "create or replace temp table public_cells as select * from "  # noqa: S608 - quoted names
        f"(select distinct {period} from written)"
        + (f" cross join {joined}" if joined else "")
    )
    wrong = counted(
        connection,
        f"select {keys}, sum(there) as there, sum(known) as known from ("  # noqa: S608 - quoted names
        f"select {told}, 1 as there, 0 as known from written union all "
        f"select {keys}, 0, 1 from public_cells) group by all "
        "having there <> 1 or known <> 1",
    )
    return wrong + _odd_periods(connection, spec, policy)


def _odd_periods(
    connection: Connection, spec: SourceSpec, policy: NoiseProtection
) -> int:
    """Periods that begin on no first day, too early, or after the newest row."""
    period, column = quoted(policy.period), quoted(policy.period_column)
    # What a row of a period is in must be that period: the same, taken of itself.
    own = take(spec, policy.period_column, policy.every)
    return counted(
        connection,
        f"with told as (select distinct {period} as {column} from fresh) "  # noqa: S608 - quoted names
        f"select {column} from told where {column} is null or "
        f"{own} is distinct from {column} or "
        f"{_day_of(spec, policy, column)} < date '{policy.since.isoformat()}' or "
        f"{column} >= (select max({own}) from validated)",
    )


def _numbers(connection: Connection, policy: NoiseProtection) -> int:
    """Counts that are none, and noise that is not what the policy says."""
    scale = policy.max_cells / policy.epsilon
    bad = counted(
        connection,
        "select 1 from written where subject_count is null or subject_count < 0 or "
        "subject_count <> floor(subject_count) or noise_scale is null or "
        "noise_scale <= 0",
    )
    return bad + counted(
        connection,
        "select 1 from fresh where "  # noqa: S608 - numbers
        f"abs(noise_scale - {scale!r}) > {_NEAR} * {scale!r}",
    )


def _payments(
    connection: Connection, spec: SourceSpec, policy: NoiseProtection, ledger: Ledger
) -> int:
    """Periods that nobody paid for, and years that more was spent on than there is."""
    path = BudgetAccount(ledger).path
    if not path.exists():
        return counted(connection, "select * from written")
    connection.execute(
        "create or replace temp table charges as select * from "  # noqa: S608 - our own path
        f"read_json({text_of(path)}, columns = {_CHARGES})"
    )
    day = _day_of(spec, policy, quoted(policy.period))
    unpaid = counted(
        connection,
        f"select distinct {day} as first_day, noise_scale from written where not "  # noqa: S608 - quoted names
        f"exists (select 1 from charges as c where c.series = {ledger.series_number} "
        f"and c.period = ({day})::varchar and "
        f"abs(c.max_cells / c.epsilon - noise_scale) <= {_NEAR} * noise_scale)",
    )
    own = f"where series = {ledger.series_number}" if ledger.invented else ""
    overdrawn = counted(
        connection,
        f"select year from charges {own} group by year "  # noqa: S608 - numbers
        f"having sum(epsilon) > {policy.budget.epsilon!r} + {_NEAR}",
    )
    return unpaid + overdrawn


def _recount(
    connection: Connection, spec: SourceSpec, policy: NoiseProtection, ledger: Ledger
) -> int:
    """New counts too far from those of persons; all of them, if they are the same."""
    sides = [dimension.name for dimension in policy.counted_sides]
    subject = quoted(policy.subject)
    taken = "".join(
        f", {_told(spec, policy, d)} as {quoted(d.name)}" for d in policy.counted_sides
    )
    names = "".join(f", {quoted(name)}" for name in sides)
    cell = ", ".join(map(quoted, sides))
    cell = f"concat_ws(chr({ord(SEPARATOR)}), {cell})" if sides else "''"
    day = _day_of(spec, policy, quoted(policy.period))
    first = _day_of(spec, policy, take(spec, policy.period_column, policy.every))
    connection.execute(
        "create or replace temp table exact as with once as (select distinct "  # noqa: S608 - quoted names
        f"({first})::varchar as {REGION}, {subject}::varchar as who{taken} "
        f"from validated where {subject} is not null), "
        f"ranked as (select *, row_number() over (partition by {REGION}, who order by "
        f"left(sha256(concat_ws('|', '{ledger.salt}', who, {REGION}, {cell})), "
        f"{_HASH_HEX})) as place from once) "
        f"select {REGION}{names}, count(*) as n from ranked "
        f"where place <= {policy.max_cells} group by all"
    )
    same = "".join(f" and e.{quoted(n)} = w.{quoted(n)}::varchar" for n in sides)
    ((cells, equal, far),) = connection.execute(
        "select count(*), count(*) filter (where d = 0), "  # noqa: S608 - quoted names
        f"count(*) filter (where d > {_FARTHEST} * noise_scale) from (select "
        "w.noise_scale, abs(w.subject_count - coalesce(e.n, 0)) as d from "
        f"(select *, ({day})::varchar as {REGION} from fresh) as w left join exact "
        f"as e on e.{REGION} = w.{REGION}{same})"
    ).fetchall()
    return int(far) + (int(cells) if _is_bare(policy, cells, equal) else 0)


def _is_bare(policy: NoiseProtection, cells: int, equal: int) -> bool:
    """Whether all counts are those of persons, though noise would have moved some."""
    decay = math.exp(-policy.epsilon / policy.max_cells)
    stays = (1 - decay) / (1 + decay)
    # Of nobody, noise below nought is not seen either.
    unseen = (1 + stays) / 2
    return equal == cells and cells * math.log(unseen) < _NEVER


def _day_of(spec: SourceSpec, policy: NoiseProtection, period: str) -> str:
    """The first day of a period, in SQL."""
    if spec.column(policy.period_column).type is ColumnType.DATE:
        return period
    return f"({period} at time zone '{ZONE}')::date"


def _told(spec: SourceSpec, policy: NoiseProtection, dimension: Dimension) -> str:
    """What is taken of a row for a dimension, or `(autre)`, in SQL."""
    what = f"({take(spec, dimension.column, policy.takes[dimension.name])})::varchar"
    known = _list(_values(policy, dimension.name))
    return f"case when {what} in {known} then {what} else '{OTHER}' end"


def _values(policy: NoiseProtection, name: str) -> list[str]:
    """Every value of a dimension, by its categories or by what is taken of it."""
    what, told = policy.takes[name], policy.categories.get(name)
    if told is not None and not isinstance(told, str):
        return [*map(str, told), OTHER]
    level = told or what
    if level.startswith(f"{LOOKUP}:"):
        _, table, own = level.split(":")
        return [*dict.fromkeys(code_table(table).labels(own).values()), OTHER]
    if what == "hour_of_day":
        return [str(hour) for hour in range(_HOURS)]
    if what == "day_type":
        return ["working_day", "weekend"]
    return _bins(what)


def _bins(what: str) -> list[str]:
    """The bins that bounds make, called as the audit of takes calls them."""
    word, _, argument = what.partition(":")
    bounds = argument.split(",")
    pairs = list(pairwise(bounds))
    if word == "below":
        return [f"<{bounds[0]}", *(f"{a}-{b}" for a, b in pairs), f">={bounds[-1]}"]
    return [f"<={bounds[0]}", *(f">{a}-{b}" for a, b in pairs), f">{bounds[-1]}"]


def _list(values: list[str]) -> str:
    """A list of texts, in SQL."""
    told = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"[{told}]"
