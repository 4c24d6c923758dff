"""What was written, set against the registers of the platform: in SQL, for the audit.

Somebody who holds a register (buildings, establishments) looks for its entries that a
released row or cell could be of. What the register does not know of an entry excludes
nothing, and what a row does not tell excludes nobody; but somebody must be known to fit
in all that is told. Findings say shares, never who.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from lrtzc_pipelines.privacy.audit_takes import literal, parquet, quoted, text_taken
from lrtzc_pipelines.privacy.code_tables import OTHER
from lrtzc_pipelines.privacy.measures import journalist
from lrtzc_pipelines.sources.protection import (
    AggregateProtection,
    CellProtection,
    MicrodataProtection,
    NoiseProtection,
    Protection,
)
from lrtzc_pipelines.sources.registers import LinkedRegister, Match

Connection = duckdb.DuckDBPyConnection
_TELL_NOTHING = ("*", "(absent)", "(total)", OTHER)
"""Labels of a value that was taken away, or that fits in no group."""

_SILENT = ", ".join(literal(label) for label in _TELL_NOTHING)


def linkage(
    connection: Connection, policy: Protection | None, registers: Mapping[str, Path]
) -> tuple[bool, dict[str, Any]]:
    """Whether nothing that was written leads to too few entries; what was found.

    The views `written` and `fresh` must be there.

    Args:
        connection: Where they are.
        policy: The protection of the source.
        registers: Validated files of the registers that are held, by source.
    """
    passed, told = True, {}
    for register in policy.linked_registers if policy else ():
        path = registers.get(register.source)
        if policy is None or path is None:
            told[register.source] = {"register": "absent"}
            continue
        _set_against(connection, policy, register, path)
        found = _found(connection, register, _threshold(policy))
        if register.population and isinstance(policy, MicrodataProtection):
            risk = _journalist(connection, register.matches)
            among = round(1 / risk) if risk else 0
            found |= {"journalist_risk": round(risk, 6), "k_map": among}
            found["failing"] += bool(risk) and among < (policy.k_map or 0)
        passed = passed and not found["failing"]
        told[register.source] = found
    return passed, told


def _threshold(policy: Protection) -> int:
    """Fewest persons or firms that a class or cell may be of."""
    match policy:
        case AggregateProtection():
            return policy.min_subjects // policy.counted.per_person
        case CellProtection():
            return policy.min_units
        case MicrodataProtection():
            return policy.k
        case NoiseProtection():
            # All its cells are public: there is nobody that one of them could be.
            return 0


def _set_against(
    connection: Connection, policy: Protection, register: LinkedRegister, path: Path
) -> None:
    """The table `linked`: what is told in common, with the entries that it fits.

    Of each: `told` rows or cells, `known` entries that fit in all of it, and `entries`
    that could be meant (what is unknown of them left open), which are `units`.
    """
    columns = [match.column for match in register.matches]
    names = ", ".join(
        f"{_told(match)} as {quoted(match.column)}" for match in register.matches
    )
    connection.execute(
        f"create or replace temp table in_common as select {names}, "  # noqa: S608 - quoted names
        f"count(*) as told from {_shown(policy)} group by all"
    )
    labels = ", ".join(
        f"{_labels(match)} as l{number}"
        for number, match in enumerate(register.matches)
    )
    units = (
        f"greatest(coalesce({quoted(register.units)}, 1), 0)" if register.units else "1"
    )
    connection.execute(
        f"create or replace temp table entries as select {labels}, "  # noqa: S608 - quoted names
        f"count(*) as entries, sum({units})::bigint as units "
        f"from {parquet(path)} where {_kept(register)} group by all"
    )
    pairs = [(f"c.{quoted(name)}", f"e.l{n}") for n, name in enumerate(columns)]
    nothing = [f"({side} is null or {side} in ({_SILENT}))" for side, _ in pairs]
    fits = " and ".join(
        f"({nothing[n]} or {own} is null or list_contains({own}, {side}))"
        for n, (side, own) in enumerate(pairs)
    )
    known = " and ".join(
        f"({nothing[n]} or {own} is not null)" for n, (_, own) in enumerate(pairs)
    )
    keys = ", ".join(f"c.{quoted(name)}" for name in columns)
    connection.execute(
        f"create or replace temp table linked as select {keys}, c.told, "  # noqa: S608 - quoted names
        f"coalesce(sum(e.entries) filter (where {known} and "
        f"not ({' and '.join(nothing)})), 0)::bigint as known, "
        "coalesce(sum(e.entries), 0)::bigint as entries, "
        "coalesce(sum(e.units), 0)::bigint as units "
        f"from in_common as c left join entries as e on {fits} group by all"
    )


def _told(match: Match) -> str:
    """What is told of a row or cell, as text in SQL."""
    name = f"{quoted(match.column)}::varchar"
    if match.shown == "value":
        return name
    taken = text_taken(match.column, match.shown)
    return f"case when {name} in ({_SILENT}) then {name} else {taken} end"


def _shown(policy: Protection) -> str:
    """What is to be looked at: all rows, or the cells that are new and not secret."""
    match policy:
        case MicrodataProtection():
            return "written"
        case CellProtection():
            return f"fresh where {quoted(f'{policy.measure.name}_state')} <> 'secret'"
        case AggregateProtection() | NoiseProtection():
            return "fresh"


def _labels(match: Match) -> str:
    """What an entry may be called in what goes on: a list, null where it is unknown."""
    taken = [text_taken(match.of, take) for take in match.takes]
    if not match.labels:
        lists = [f"[{text}]" for text in taken]
    else:
        cases = " ".join(
            f"when {literal(own)} then [{', '.join(map(literal, labels))}]"
            for own, labels in match.labels.items()
        )
        lists = [f"case {text} {cases} else []::varchar[] end" for text in taken]
    together = lists[0] if len(lists) == 1 else f"flatten([{', '.join(lists)}])"
    return f"case when {quoted(match.of)} is not null then {together} end"


def _kept(register: LinkedRegister) -> str:
    """The condition that an entry is of the kind that goes on."""
    kept = [
        f"{text_taken(only.of, only.take)} in ({', '.join(map(literal, only.values))})"
        for only in register.only
    ]
    return " and ".join(kept) or "true"


def _found(
    connection: Connection, register: LinkedRegister, threshold: int
) -> dict[str, Any]:
    """Shares of what was written that match anything, a single entry, or too few."""
    few = f"known > 0 and units < {threshold}"
    row: Any = connection.execute(
        "select coalesce(sum(told), 0), "  # noqa: S608 - a number
        "coalesce(sum(told) filter (where known > 0), 0), "
        "coalesce(sum(told) filter (where known > 0 and entries = 1), 0), "
        f"coalesce(sum(told) filter (where {few}), 0), "
        f"count(*) filter (where {few}) from linked"
    ).fetchone()
    total, matched, unique, thin, failing = row
    shares = {"matched_share": matched, "unique_share": unique, "few_share": thin}
    return {
        "register": "held",
        "of": register.what,
        **{k: round(n / total, 3) if total else 0.0 for k, n in shares.items()},
        "failing": failing if register.blocks else 0,
    }


def _journalist(connection: Connection, matches: Sequence[Match]) -> float:
    """Largest probability of finding somebody of the rows in the population."""
    columns = [match.column for match in matches]
    names = ", ".join(quoted(name) for name in columns)
    rows = connection.sql(
        f"select {names} from (select {names}, unnest(range(told)) from in_common)"  # noqa: S608 - quoted names
    ).pl()
    population = connection.sql(
        f"select {names}, units from linked where known > 0"  # noqa: S608 - quoted names
    ).pl()
    return journalist(rows, population, columns, units="units")
