"""A deposited table through its source's own line: parse, conform, suite.

Nothing is judged here that the platform would not judge again: this only tells it
earlier, to the partner, and more strictly. A file is taken whole or not at all.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from lrtzc_pipelines.deposits.contents import Content
from lrtzc_pipelines.deposits.forms import Form
from lrtzc_pipelines.deposits.problems import Problem, at_rows, quoted
from lrtzc_pipelines.errors import LrtzcError, ParseError
from lrtzc_pipelines.expectations.suites import Suite
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.quarantine import read_quarantine
from lrtzc_pipelines.raw_store import RawStore, Snapshot, StoredPage, Writer
from lrtzc_pipelines.sources.columns import Column, ColumnType
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import DATA
from lrtzc_pipelines.validating import Validated, validate

CHECKING = ".checking-"
"""How the name of a place of work begins."""

_EXAMPLE = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
_EVERY = {"month": "1mo", "quarter": "1q", "year": "1y"}
_UNREADABLE = {
    ColumnType.INTEGER: (
        "la valeur n'est pas un nombre entier",
        "Écrivez un nombre entier, sans unité ni texte.",
    ),
    ColumnType.NUMBER: (
        "la valeur n'est pas un nombre",
        "Écrivez un nombre, par exemple 12,5, sans unité ni texte.",
    ),
    ColumnType.BOOLEAN: ("la valeur n'est ni oui ni non", "Écrivez oui ou non."),
}
_EMPTY = ("la valeur manque", "Remplissez la cellule, ou retirez la ligne.")
_TWICE = (
    "la ligne reprend la clé d'une ligne précédente avec d'autres valeurs",
    "Ne gardez qu'une ligne par clé, ou additionnez-les.",
)


@dataclass(frozen=True)
class Verdict:
    """What the checks found; accepted if there is no problem.

    Attributes:
        row_count: Rows the file brings, repeats counted once; 0 if refused.
        periods: First days of the periods it covers, in order.
        remarks: What is worth saying though it is not wrong.
    """

    problems: tuple[Problem, ...]
    row_count: int = 0
    periods: tuple[date, ...] = ()
    remarks: tuple[str, ...] = ()


def check(
    content: Content, form: Form, spec: SourceSpec, suite: Suite, scratch: Path
) -> Verdict:
    """What the source's line says of a table.

    Args:
        content: The table.
        form: Form it was deposited for.
        spec: Source that the form feeds.
        suite: Suite of the source.
        scratch: Private folder where a place of work may be made, and is removed.

    Raises:
        LrtzcError: the platform cannot judge; the file is not at fault.
    """
    with tempfile.TemporaryDirectory(dir=scratch, prefix=CHECKING) as folder:
        layout = Layout(Path(folder))
        try:
            validated = _validated(content, spec, suite, layout)
        except ParseError as error:
            msg = f"{form.id}: a table that was written here cannot be read: {error}"
            raise LrtzcError(msg) from error
        problems = [*_row_problems(content, form, spec, layout)]
        problems += _file_problems(validated, form, content) if not problems else []
        if problems or validated.state is None:
            return Verdict(tuple(problems))
        frame = pl.read_parquet(layout.validated(*spec.parts) / DATA)
        repeats = validated.state.continuity.get("repeats") or 0
        return Verdict(
            (),
            row_count=frame.height,
            periods=_periods(frame, form, spec),
            remarks=(*_repeat_remark(int(repeats)), *_remarks(validated, form)),
        )


def _validated(
    content: Content, spec: SourceSpec, suite: Suite, layout: Layout
) -> Validated:
    store = RawStore(layout.raw(*spec.parts))
    with Writer(store) as writer:
        sha256 = writer.add(content.body, "csv")
        size = len(content.body)
        snapshot = Snapshot(
            id="deposit",
            source_id=spec.id,
            run_id="deposit",
            collected_at=datetime.now(UTC).isoformat(timespec="seconds"),
            origin="live",
            licence=spec.licence,
            content_sha256=sha256,
            announced_total=None,
            pages=(StoredPage("deposit", "csv", sha256, sha256, size),),
        )
        writer.seal([], snapshot)
    return validate(spec, _locating(suite), snapshot, layout, run_id="deposit")


def _locating(suite: Suite) -> Suite:
    """The suite with every failing row set aside, however many they are.

    The partner is told of all of them; the line would stop at a share of them.
    """
    expectations = [
        item.model_copy(update={"kwargs": {**item.kwargs, "mostly": 0.0}})
        if item.meta.on_failure == "quarantine"
        else item
        for item in suite.expectations
    ]
    return suite.model_copy(update={"expectations": tuple(expectations)})


def _row_problems(
    content: Content, form: Form, spec: SourceSpec, layout: Layout
) -> list[Problem]:
    """One problem per kind and column, with the rows where it occurs."""
    refused = read_quarantine(spec, layout)
    if refused is None:
        return []
    places: dict[tuple[str, str, str], list[int]] = {}
    for line in refused.sort("row_in_page").to_dicts():
        for key in _kinds(line, form, spec):
            number = content.rows[line["row_in_page"] - 1]
            places.setdefault(key, []).append(number)
    return [
        at_rows(why, fix, rows if all(rows) else [], sheet=content.sheet, column=column)
        for (why, fix, column), rows in places.items()
    ]


def _kinds(
    line: dict[str, str], form: Form, spec: SourceSpec
) -> Iterator[tuple[str, str, str]]:
    """Why, how to correct and column, for each fault of a refused row."""
    names = line["column"].split(", ")
    shown = ", ".join(_heading(spec.column(name)) for name in names)
    if line["rule"] == "primary_key":
        yield (*_TWICE, shown)
    elif line["rule"] == "type":
        for reason in line["reason"].split("; "):
            name, _, said = reason.partition(": ")
            column = spec.column(name)
            what = _EMPTY if said.startswith("required") else _unreadable(column)
            yield (*what, _heading(column))
    else:
        why = "la valeur n'est pas de celles qui sont attendues"
        yield why, form.corrections[line["rule"]], shown


def _heading(column: Column) -> str:
    return quoted(column.source or column.name)


def _unreadable(column: Column) -> tuple[str, str]:
    if column.type in _UNREADABLE:
        return _UNREADABLE[column.type]
    written = column.datetime_format or (
        "%Y-%m-%d" if column.type is ColumnType.DATE else "%Y-%m-%dT%H:%M:%S%z"
    )
    example = _EXAMPLE.strftime(written)
    return "la date ne peut pas être lue", f"Écrivez-la comme {example}."


def _file_problems(validated: Validated, form: Form, content: Content) -> list[Problem]:
    """What is wrong with the whole table."""
    return [
        Problem(
            why="le tableau ne passe pas un contrôle d'ensemble",
            fix=form.corrections.get(check.name, "Écrivez au contact du formulaire."),
            sheet=content.sheet,
        )
        for check in validated.checks
        if check.blocking
    ]


def _remarks(validated: Validated, form: Form) -> Iterator[str]:
    for check in validated.checks:
        if not check.passed and check.name in form.corrections:
            yield f"À vérifier : {form.corrections[check.name]}"


def _repeat_remark(repeats: int) -> Iterable[str]:
    if repeats:
        lines = "ligne identique" if repeats == 1 else "lignes identiques"
        yield f"{repeats} {lines} à une autre : comptées une seule fois."


def _periods(frame: pl.DataFrame, form: Form, spec: SourceSpec) -> tuple[date, ...]:
    """First days of the periods of a table, as its partner reckons time."""
    column = spec.column(form.period.column)
    moments = frame[column.name]
    if column.type is ColumnType.DATETIME:
        moments = moments.dt.convert_time_zone(column.timezone or "UTC")
    days = moments.dt.date().dt.truncate(_EVERY[form.period.each])
    return tuple(days.unique().sort().to_list())
