"""The proof after the fact: what was written is read again, by another engine.

DuckDB recounts persons, units and classes from the validated rows and from the written
file; no code of the protection is used, so that a mistake there does not hide itself.
Findings say how many, never what.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from lrtzc_pipelines.privacy.audit_cells import recount_cells
from lrtzc_pipelines.privacy.released import Released
from lrtzc_pipelines.sources.cell_protection import CellProtection
from lrtzc_pipelines.sources.columns import ColumnType
from lrtzc_pipelines.sources.protection import (
    AggregateProtection,
    MicrodataProtection,
)
from lrtzc_pipelines.sources.spec import SourceSpec

CHECKS = {
    "schema_closure": "Nothing but the published columns was written.",
    "thresholds": "Every cell, or class of rows, is of enough persons or firms.",
    "attacks": "No secret cell can be worked out, of all that is linked together.",
    "no_identifier": "No identifier of a person or firm was written, hashed or not.",
    "no_pattern": "Nothing written looks like an identifier.",
}
"""What an audit looks at; each blocks."""

PATTERNS = {
    "e-mail": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z]{2,}",
    "phone": r"(^|[^0-9])(\+33|0)[ .]?[1-9]([ .]?[0-9]{2}){4}($|[^0-9])",
    "meter or SIRET": r"(^|[^0-9])[0-9]{14}($|[^0-9])",
    "IBAN": r"\b[A-Z]{2}[0-9]{2}([ ]?[A-Z0-9]{4}){4,7}\b",
    "plate": r"\b[A-Z]{2}-[0-9]{3}-[A-Z]{2}\b",
}
"""Shapes of identifiers that no published text may have."""

_ZONE = "Europe/Paris"
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks", "mo": "months"}
_UNITS["y"] = "years"
_DURATION = re.compile(r"^(\d+)(mo|m|h|d|w|y)$")


@dataclass(frozen=True)
class Finding:
    """What one check of an audit found."""

    check: str
    passed: bool
    details: dict[str, Any] = field(default_factory=dict)


def audit(
    spec: SourceSpec, written: Path, validated: Path, released: Sequence[Released] = ()
) -> list[Finding]:
    """What is to be said of a written file.

    Args:
        spec: A source with a protection.
        written: Parquet file that would go on.
        validated: Parquet file of the rows it was made from (private).
        released: Linked sources that went on before, which tell of the same rows.
    """
    with duckdb.connect() as connection:
        connection.execute(f"set TimeZone = '{_ZONE}'")
        for view, path in (("written", written), ("validated", validated)):
            place = str(path).replace("'", "''")
            connection.execute(
                f"create view {view} as select * from read_parquet('{place}')"  # noqa: S608 - our own path
            )
        closure = _closure(connection, spec)
        if isinstance(spec.protection, CellProtection) and closure.passed:
            tables = [Released(spec, validated, written), *released]
            found = _cells(connection, tables)
        else:
            found = _thresholds(connection, spec), Finding("attacks", passed=True)
        return [
            closure,
            *found,
            _identifiers(connection, spec),
            _patterns(connection, spec),
        ]


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def _closure(connection: duckdb.DuckDBPyConnection, spec: SourceSpec) -> Finding:
    names = [row[0] for row in _rows(connection, "describe written")]
    declared = [column.name for column in spec.published_columns]
    extra = sorted(set(names) - set(declared))
    absent = sorted(set(declared) - set(names))
    return Finding(
        "schema_closure",
        passed=not extra and not absent,
        details={"unknown_columns": extra, "missing_columns": absent},
    )


def _thresholds(connection: duckdb.DuckDBPyConnection, spec: SourceSpec) -> Finding:
    match spec.protection:
        case AggregateProtection() as policy:
            checked, failing = _aggregate(connection, spec, policy)
        case MicrodataProtection() as policy:
            checked, failing = _classes(connection, policy)
        case CellProtection() | None:
            # Without the columns of its tables, nothing of them can be recounted.
            checked, failing = 0, 0
    return Finding(
        "thresholds",
        passed=not failing,
        details={"checked": checked, "failing": failing},
    )


def _aggregate(
    connection: duckdb.DuckDBPyConnection, spec: SourceSpec, policy: AggregateProtection
) -> tuple[int, int]:
    """Cells of too few persons, as they say or as the rows do."""
    ((checked, failing),) = _rows(
        connection,
        "select count(*), count(*) filter (where subject_count is null or "  # noqa: S608 - a number
        f"subject_count < {policy.min_subjects}) from written",
    )
    graded = [
        d.name
        for d in policy.dimensions
        if len({grain[d.name] for grain in policy.grains}) > 1
    ]
    for grain in policy.grains:
        sides = {d.name: (d.column, grain[d.name]) for d in policy.dimensions}
        taken = _taken(spec, sides)
        same = " and ".join(
            f"w.{_name(side)} is not distinct from v.{_name(side)}" for side in sides
        )
        own = " and ".join(f"w.{_name(f'{n}_grain')} = '{grain[n]}'" for n in graded)
        ((bad,),) = _rows(
            connection,
            f"with v as (select {taken}, count(distinct {_name(policy.subject)}) as n "  # noqa: S608 - quoted names
            "from validated group by all) "
            "select count(*) from written as w left join v on "
            f"{same} where {own or 'true'} and (v.n is null or v.n < w.subject_count)",
        )
        failing += bad
    return checked, failing


def _cells(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[Released]
) -> tuple[Finding, Finding]:
    """Cells that may not be shown, and secret ones that can be worked out."""
    found = recount_cells(connection, tables, _take)
    beside = [each.spec.id for each in tables[1:]]
    return (
        Finding(
            "thresholds",
            passed=not found.failing,
            details={"checked": found.checked, "failing": found.failing},
        ),
        Finding(
            "attacks",
            passed=not found.breaches,
            details={"breaches": dict(found.breaches), "beside": beside},
        ),
    )


def _classes(
    connection: duckdb.DuckDBPyConnection, policy: MicrodataProtection
) -> tuple[int, int]:
    """Classes of rows with too few of them, or too few sensitive values."""
    quasi = ", ".join(_name(q.column) for q in policy.quasi)
    # A null is a value: counted as one.
    values = "".join(
        f" or count(distinct coalesce({_name(s)}::varchar, '(absent)')) < {policy.l}"
        for s in policy.sensitive
    )
    ((checked, failing),) = _rows(
        connection,
        "select count(*), count(*) filter (where bad) from (select "  # noqa: S608 - quoted names
        f"count(*) < {policy.k}{values} as bad from written group by {quasi})",
    )
    return checked, failing


def _taken(spec: SourceSpec, sides: Mapping[str, tuple[str, str]]) -> str:
    return ", ".join(
        f"{_take(spec, column, what)} as {_name(side)}"
        for side, (column, what) in sides.items()
    )


def _take(spec: SourceSpec, column: str, what: str) -> str:
    """What is taken of a column, in SQL."""
    name, kind = _name(column), spec.column(column).type
    word, _, argument = what.partition(":")
    match word:
        case "value":
            taken = name
        case "all":
            taken = "null"
        case "first":
            taken = f"left({name}::varchar, {int(argument)})"
        case "below":
            taken = _bins(name, argument.split(","))
        case "hour_of_day":
            taken = f"hour({name})"
        case "day_type":
            taken = f"if(isodow({name}) >= 6, 'weekend', 'working_day')"
        case _:
            taken = _period(name, kind, what)
    return taken


def _period(name: str, kind: ColumnType, every: str) -> str:
    found = _DURATION.match(every)
    if found is None:
        msg = f"{every!r} is no duration"
        raise ValueError(msg)
    interval = f"interval '{found[1]} {_UNITS[found[2]]}'"
    if kind is ColumnType.DATE:
        return f"time_bucket({interval}, {name})::date"
    local = f"({name} at time zone '{_ZONE}')"
    bucket = f"time_bucket({interval}, {local})"
    if found[2] == "m" or every == "1h":
        # The hour that autumn doubles keeps its two passes apart.
        return f"{name} - ({local} - {bucket})"
    return f"{bucket} at time zone '{_ZONE}'"


def _bins(name: str, bounds: Sequence[str]) -> str:
    texts = [f"{float(bound):g}" for bound in bounds]
    labels = [f"<{texts[0]}"]
    labels += [f"{low}-{high}" for low, high in pairwise(texts)]
    cases = " ".join(
        f"when {name} < {bound} then '{label}'"
        for bound, label in zip(texts, labels, strict=True)
    )
    return f"case when {name} is null then null {cases} else '>={texts[-1]}' end"


def _identifiers(connection: duckdb.DuckDBPyConnection, spec: SourceSpec) -> Finding:
    """Identifiers of the rows in any text that was written, in every usual spelling."""
    subject = spec.protection.subject if spec.protection else None
    texts = list(_texts(spec))
    if subject is None or not texts:
        return Finding("no_identifier", passed=True, details={"columns": len(texts)})
    raw = f"{_name(subject)}::varchar"
    spellings = [
        raw,
        f"upper({raw})",
        f"lower({raw})",
        f"replace({raw}, ' ', '')",
        f"md5({raw})",
        f"sha1({raw})",
        f"sha256({raw})",
    ]
    known = " union ".join(
        f"select lower({spelling}) as id from validated"  # noqa: S608 - quoted names
        for spelling in spellings
    )
    leaked = 0
    for text in texts:
        ((count,),) = _rows(
            connection,
            f"with known as ({known}) select count(*) from written as w "  # noqa: S608 - quoted names
            f"semi join known on lower(w.{_name(text)}) = known.id",
        )
        leaked += count
    details = {"columns": len(texts), "leaked": leaked}
    return Finding("no_identifier", passed=not leaked, details=details)


def _patterns(connection: duckdb.DuckDBPyConnection, spec: SourceSpec) -> Finding:
    found: dict[str, int] = {}
    for text in _texts(spec):
        for label, pattern in PATTERNS.items():
            ((count,),) = connection.execute(
                f"select count(*) from written where regexp_matches({_name(text)}, ?)",  # noqa: S608 - quoted name
                [pattern],
            ).fetchall()
            if count:
                found[f"{text}: {label}"] = count
    return Finding("no_pattern", passed=not found, details={"found": found})


def _texts(spec: SourceSpec) -> Iterator[str]:
    return (c.name for c in spec.published_columns if c.type is ColumnType.TEXT)


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
