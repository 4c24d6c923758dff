"""The proof after the fact: what was written is read again, by another engine.

DuckDB recounts persons, units and classes from the validated rows and from the written
file; no code of the protection is used, so that a mistake there does not hide itself.
Findings say how many, never what.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from lrtzc_pipelines.privacy.audit_cells import Written, recount_cells
from lrtzc_pipelines.privacy.audit_differences import thin_changes, thin_classes
from lrtzc_pipelines.privacy.audit_linkage import linkage
from lrtzc_pipelines.privacy.audit_noise import noise_failures, redrawn
from lrtzc_pipelines.privacy.audit_persons import PERSON_PATTERNS
from lrtzc_pipelines.privacy.audit_republication import stand, too_near
from lrtzc_pipelines.privacy.audit_takes import ZONE, parquet, points_of, quoted, taken
from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.privacy.released import Released
from lrtzc_pipelines.sources.columns import ColumnType
from lrtzc_pipelines.sources.protection import (
    AggregateProtection,
    CellProtection,
    MicrodataProtection,
    NoiseProtection,
)
from lrtzc_pipelines.sources.spec import SourceSpec

Connection = duckdb.DuckDBPyConnection

CHECKS = {
    "schema_closure": "Nothing but the published columns was written.",
    "thresholds": "Every cell, or class of rows, is of enough persons or firms.",
    "attacks": "No secret cell can be worked out, of all that is linked together.",
    "no_identifier": "No identifier of a person or firm was written, hashed or not.",
    "no_pattern": "Nothing written looks like an identifier.",
    "republication": "What differs from earlier releases differs by enough persons.",
    "linkage": "Nothing written leads to too few entries of a register.",
}
"""What an audit looks at; each blocks."""

PATTERNS = {
    "e-mail": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z]{2,}",
    "phone": r"(^|[^0-9])(\+33|0)[ .]?[1-9]([ .]?[0-9]{2}){4}($|[^0-9])",
    "meter or SIRET": r"(^|[^0-9])[0-9]{14}($|[^0-9])",
    "IBAN": r"\b[A-Z]{2}[0-9]{2}([ ]?[A-Z0-9]{4}){4,7}\b",
    "plate": r"\b[A-Z]{2}-[0-9]{3}-[A-Z]{2}\b",
    **PERSON_PATTERNS,
}
"""Shapes of identifiers that no published text may have."""

_NEVER_WRITTEN = ("drop", "subject")


@dataclass(frozen=True)
class Finding:
    """What one check of an audit found."""

    check: str
    passed: bool
    details: dict[str, Any] = field(default_factory=dict)


def audit(  # noqa: PLR0913 - one per thing that it is set against
    spec: SourceSpec,
    written: Path,
    validated: Path,
    ledger: Ledger | None = None,
    *,
    released: Sequence[Released] = (),
    registers: Mapping[str, Path] | None = None,
) -> list[Finding]:
    """What is to be said of a written file.

    Args:
        spec: A source with a protection.
        written: Parquet file that would go on.
        validated: Parquet file of the rows it was made from (private).
        ledger: What was released before; nothing if None.
        released: Linked sources that went on before, which tell of the same rows.
        registers: Validated files of the registers that are held, by source.
    """
    with duckdb.connect() as connection:
        connection.execute(f"set TimeZone = '{ZONE}'")
        connection.execute(f"create view written as from {parquet(written)}")
        rows = f"select *{points_of(spec)} from {parquet(validated)}"  # noqa: S608 - our own path
        connection.execute(f"create view validated as {rows}")
        stand(connection, ledger)
        closure = _closure(connection, spec)
        if closure.details["missing_columns"]:
            # What is not there cannot be looked at, and proves nothing.
            told = {"not_evaluated": "columns are missing"}
            others = [name for name in CHECKS if name != closure.check]
            return [closure, *(Finding(n, passed=False, details=told) for n in others)]
        if isinstance(spec.protection, CellProtection):
            counted = _cells(connection, spec, spec.protection, released)
        else:
            attacks = Finding("attacks", passed=True)
            counted = _thresholds(connection, spec, ledger), attacks
        return [
            closure,
            *counted,
            _identifiers(connection, spec),
            _patterns(connection, spec),
            _republication(connection, spec, ledger),
            Finding("linkage", *linkage(connection, spec.protection, registers or {})),
        ]


def _rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def _closure(connection: Connection, spec: SourceSpec) -> Finding:
    names = [row[0] for row in _rows(connection, "describe written")]
    declared = [column.name for column in spec.published_columns]
    extra = sorted(set(names) - set(declared))
    absent = sorted(set(declared) - set(names))
    return Finding(
        "schema_closure",
        passed=not extra and not absent,
        details={"unknown_columns": extra, "missing_columns": absent},
    )


def _thresholds(
    connection: Connection, spec: SourceSpec, ledger: Ledger | None
) -> Finding:
    match spec.protection:
        case AggregateProtection() as policy:
            checked, failing = _aggregate(connection, spec, policy)
        case MicrodataProtection() as policy:
            checked, failing = _classes(connection, policy)
        case NoiseProtection() as policy:
            checked, failing = noise_failures(connection, spec, policy, ledger)
        case CellProtection() | None:
            checked, failing = 0, 0
    return Finding(
        "thresholds",
        passed=not failing,
        details={"checked": checked, "failing": failing},
    )


def _aggregate(
    connection: Connection, spec: SourceSpec, policy: AggregateProtection
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
        coarser = taken(spec, sides)
        same = " and ".join(
            f"w.{quoted(side)} is not distinct from v.{quoted(side)}" for side in sides
        )
        own = " and ".join(f"w.{quoted(f'{n}_grain')} = '{grain[n]}'" for n in graded)
        subject = quoted(policy.subject)
        ((bad,),) = _rows(
            connection,
            f"with v as (select {coarser}, count(distinct {subject}) as n "  # noqa: S608 - quoted names
            "from validated group by all) "
            "select count(*) from fresh as w left join v on "
            f"{same} where {own or 'true'} and (v.n is null or v.n < w.subject_count)",
        )
        failing += bad
    return checked, failing


def _cells(
    connection: Connection,
    spec: SourceSpec,
    policy: CellProtection,
    released: Sequence[Released],
) -> tuple[Finding, Finding]:
    """Cells that may not be shown, and secret ones that can be worked out."""
    tables = [Written(spec, policy, "validated", "written")]
    for number, each in enumerate(released, 1):
        rows, cells = f"validated_{number}", f"written_{number}"
        connection.register(f"held_{number}", each.held.to_arrow())
        connection.execute(
            f"create view {rows} as select *{points_of(each.spec)} from held_{number}"  # noqa: S608 - a number
        )
        connection.register(cells, each.cells.to_arrow())
        tables.append(Written(each.spec, each.policy, rows, cells))
    found = recount_cells(connection, tables)
    beside = [each.spec.id for each in released]
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


def _classes(connection: Connection, policy: MicrodataProtection) -> tuple[int, int]:
    """Classes of rows with too few of them, or too few sensitive values."""
    quasi = ", ".join(quoted(q.column) for q in policy.quasi)
    # A null is a value: counted as one.
    values = "".join(
        f" or count(distinct coalesce({quoted(s)}::varchar, '(absent)')) < {policy.l}"
        for s in policy.sensitive
    )
    ((checked, failing),) = _rows(
        connection,
        "select count(*), count(*) filter (where bad) from (select "  # noqa: S608 - quoted names
        f"count(*) < {policy.k}{values} as bad from written group by {quasi})",
    )
    return checked, failing


def _republication(
    connection: Connection, spec: SourceSpec, ledger: Ledger | None
) -> Finding:
    failing = 0
    if ledger and ledger.editions():
        match spec.protection:
            case AggregateProtection() as policy:
                failing = too_near(connection, spec, policy, ledger)
            case CellProtection() as policy:
                failing = thin_changes(connection, spec, policy, ledger)
            case MicrodataProtection() as policy:
                failing = thin_classes(connection, policy, ledger)
            case NoiseProtection() as policy:
                failing = redrawn(connection, spec, policy)
    return Finding("republication", passed=not failing, details={"failing": failing})


def _identifiers(connection: Connection, spec: SourceSpec) -> Finding:
    """Identifiers of the rows in any text that was written, in every usual spelling."""
    texts = list(_texts(spec))
    known = " union ".join(
        f"select lower({spelling}) as id from validated"  # noqa: S608 - quoted names
        for name in _telling(spec)
        for spelling in _spellings(f"{quoted(name)}::varchar")
    )
    if not known or not texts:
        return Finding("no_identifier", passed=True, details={"columns": len(texts)})
    leaked = 0
    for text in texts:
        ((count,),) = _rows(
            connection,
            f"with known as ({known}) select count(*) from written as w "  # noqa: S608 - quoted names
            f"semi join known on lower(w.{quoted(text)}) = known.id",
        )
        leaked += count
    details = {"columns": len(texts), "leaked": leaked}
    return Finding("no_identifier", passed=not leaked, details=details)


def _telling(spec: SourceSpec) -> list[str]:
    """Columns that tell whose a row is: its subject, and what it has for a key."""
    keys = [
        name for name in spec.primary_key if spec.column(name).privacy in _NEVER_WRITTEN
    ]
    subject = spec.protection.subject if spec.protection else None
    return list(dict.fromkeys([*([subject] if subject else []), *keys]))


def _spellings(raw: str) -> list[str]:
    """The usual ways to write an identifier, in SQL."""
    hashed = [f"{function}({raw})" for function in ("md5", "sha1", "sha256")]
    return [raw, f"replace({raw}, ' ', '')", *hashed]


def _patterns(connection: Connection, spec: SourceSpec) -> Finding:
    found: dict[str, int] = {}
    for text in _texts(spec):
        for label, pattern in PATTERNS.items():
            ((count,),) = connection.execute(
                f"select count(*) from written where regexp_matches({quoted(text)}, ?)",  # noqa: S608 - quoted name
                [pattern],
            ).fetchall()
            if count:
                found[f"{text}: {label}"] = count
    return Finding("no_pattern", passed=not found, details={"found": found})


def _texts(spec: SourceSpec) -> Iterator[str]:
    return (c.name for c in spec.published_columns if c.type is ColumnType.TEXT)
