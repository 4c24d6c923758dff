"""A deposited table through its source's own line: parse, types, key, suite.

Nothing is judged here that the platform would not judge again; this only tells it
earlier, to the partner, and more strictly: every fault of every row at once, and a file
is taken whole or not at all. Nothing is written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl

from lrtzc_pipelines.cells import faults_of, read_cells
from lrtzc_pipelines.conforming import conform
from lrtzc_pipelines.deposits.forms import DEPOSITOR, Channel, Form
from lrtzc_pipelines.deposits.problems import (
    SHOWN_ROWS,
    Problem,
    at_rows,
    lines,
    listed,
    quoted,
)
from lrtzc_pipelines.deposits.records import Content
from lrtzc_pipelines.errors import LrtzcError, ParseError
from lrtzc_pipelines.expectations.runner import Finding, run_suite
from lrtzc_pipelines.expectations.suites import Suite
from lrtzc_pipelines.parsers.registry import PAGE, ROW, parse
from lrtzc_pipelines.raw_store import StoredPage
from lrtzc_pipelines.slicing import TIMEZONE
from lrtzc_pipelines.sources.columns import Column, ColumnType
from lrtzc_pipelines.sources.spec import SourceSpec

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
_UNEXPECTED = "la valeur ne convient pas"
_FUTURE = (
    "la date est postérieure au dépôt",
    "Corrigez la date : ne déposez que ce qui a déjà eu lieu.",
)
_ASK = "Écrivez au contact du formulaire."


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


def check(content: Content, channel: Channel, now: datetime) -> Verdict:
    """What the source's line says of a table.

    Args:
        content: The table.
        channel: What it was deposited for.
        now: When it is judged, UTC.

    Raises:
        LrtzcError: the platform cannot judge; the file is not at fault.
    """
    form, spec = channel.form, channel.spec
    frame = _parsed(content, spec)
    typed = frame.select(read_cells(c, spec).alias(c.name) for c in spec.columns)
    faults = {c.name: faults_of(c, frame, typed) for c in spec.columns if c.source}
    findings = run_suite(typed, _locating(channel.suite))
    places = _Places(content)
    problems = [
        *_unreadable(faults, spec, places),
        *_unexpected(findings, form, spec, places),
        *_contradictory(typed, faults, spec, places),
        *_future(typed, form, spec, now, places),
    ]
    if problems:
        # From the top of the table to its end, as a person goes through it.
        return Verdict(tuple(sorted(problems, key=lambda p: p.rows[:1] or (0,))))
    rows = _conformed(frame, spec, form)
    remarks = (*_repeat_remark(typed, places), *_suite_remarks(findings, form))
    return Verdict((), rows.height, _periods(rows, form, spec), remarks)


@dataclass(frozen=True)
class _Places:
    """Where the rows of a table are in the partner's file."""

    content: Content

    def numbers(self, is_meant: pl.Series) -> list[int]:
        """Numbers of the rows for which a column of booleans is true."""
        return [self.content.rows[index] for index in is_meant.arg_true()]

    def problem(
        self, reason: tuple[str, str], numbers: Sequence[int], column: str
    ) -> Problem:
        return at_rows(*reason, numbers, sheet=self.content.sheet, column=column)


def _parsed(content: Content, spec: SourceSpec) -> pl.DataFrame:
    page = StoredPage(
        "deposit", "csv", content.sha256, content.sha256, len(content.body)
    )
    try:
        (frame,) = parse(spec, [(page, content.body)])
    except ParseError as error:
        msg = f"{spec.id}: a table that was written here cannot be read: {error}"
        raise LrtzcError(msg) from error
    if frame.height != len(content.rows):
        msg = f"{spec.id}: {frame.height} rows of {len(content.rows)} were read"
        raise LrtzcError(msg)
    return frame


def _locating(suite: Suite) -> Suite:
    """The suite with every failing row told, however many they are.

    The line would stop at a share of them, without saying which they are.
    """
    expectations = [
        item.model_copy(update={"kwargs": {**item.kwargs, "mostly": 0.0}})
        if item.meta.on_failure == "quarantine"
        else item
        for item in suite.expectations
    ]
    return suite.model_copy(update={"expectations": tuple(expectations)})


def _unreadable(
    faults: dict[str, pl.Series], spec: SourceSpec, places: _Places
) -> Iterator[Problem]:
    """Cells that are empty or have another type."""
    for name, fault in faults.items():
        column = spec.column(name)
        is_wrong = fault.is_not_null()
        is_empty = fault.str.ends_with("required, but empty").fill_null(value=False)
        for reason, chosen in (
            (_EMPTY, is_empty),
            (_type_reason(column, places.content), is_wrong & ~is_empty),
        ):
            if chosen.any():
                yield places.problem(reason, places.numbers(chosen), _heading(column))


def _unexpected(
    findings: Iterable[Finding], form: Form, spec: SourceSpec, places: _Places
) -> Iterator[Problem]:
    """What the suite refuses, in rows or in the table as a whole."""
    for finding in findings:
        expectation = finding.expectation
        correction = form.corrections.get(expectation.meta.check, _ASK)
        columns = ", ".join(_heading(spec.column(n)) for n in expectation.columns)
        if finding.failing_rows:
            rows = [places.content.rows[index] for index in finding.failing_rows]
            yield places.problem((_UNEXPECTED, correction), rows, columns)
        elif expectation.meta.on_failure == "block" and not finding.within_tolerance:
            why = "le tableau ne passe pas un contrôle d'ensemble"
            yield Problem(why=why, fix=correction, sheet=places.content.sheet)


def _contradictory(
    typed: pl.DataFrame,
    faults: dict[str, pl.Series],
    spec: SourceSpec,
    places: _Places,
) -> Iterator[Problem]:
    """Rows that speak of the same thing and do not say the same."""
    key = list(spec.primary_key)
    is_sound = pl.DataFrame(
        {name: faults[name].is_null() for name in key if name in faults}
    ).select(pl.all_horizontal(pl.all()))[:, 0]
    disputed = (
        typed.filter(is_sound)
        .unique()
        .filter(pl.struct(key).is_duplicated())
        .select(key)
        .unique()
    )
    if disputed.is_empty():
        return
    # A null is no fault where the column is not required, and part of the key.
    at = typed.select(key).with_row_index("at")
    rows = at.join(disputed, on=key, how="semi", nulls_equal=True)["at"]
    shown = [
        _heading(spec.column(n)) for n in key if spec.column(n).source != DEPOSITOR
    ]
    why = f"des lignes ont les mêmes {listed(shown)}, mais d'autres valeurs"
    fix = "Parmi celles qui sont pareilles, gardez-en une, ou réunissez-les en une."
    numbers = [places.content.rows[index] for index in rows]
    yield at_rows(why, fix, numbers, sheet=places.content.sheet)


def _future(
    typed: pl.DataFrame,
    form: Form,
    spec: SourceSpec,
    now: datetime,
    places: _Places,
) -> Iterator[Problem]:
    """Moments that had not come when the file did, such as a mistyped year."""
    column = spec.column(form.period.column)
    moments = typed[column.name]
    today = now.astimezone(ZoneInfo(TIMEZONE)).date()
    limit = now if column.type is ColumnType.DATETIME else today
    is_future = (moments > limit).fill_null(value=False)
    if is_future.any():
        yield places.problem(_FUTURE, places.numbers(is_future), _heading(column))


def _conformed(frame: pl.DataFrame, spec: SourceSpec, form: Form) -> pl.DataFrame:
    """The rows as the platform takes them, which is all of them.

    Raises:
        LrtzcError: the platform's own line refuses some that the checks let through.
    """
    conformed = conform(spec, [frame])
    if not conformed.refused.is_empty():
        rules = ", ".join(sorted(conformed.refused["rule"].unique()))
        msg = f"{form.id}: rows passed here that the platform refuses: {rules}"
        raise LrtzcError(msg)
    return conformed.rows.drop(PAGE, ROW)


def _heading(column: Column) -> str:
    return quoted(column.source or column.name)


def _type_reason(column: Column, content: Content) -> tuple[str, str]:
    if column.type in _UNREADABLE:
        return _UNREADABLE[column.type]
    written = column.datetime_format or (
        "%Y-%m-%d" if column.type is ColumnType.DATE else "%Y-%m-%dT%H:%M:%S%z"
    )
    french = "01/03/2026" if column.type is ColumnType.DATE else "01/03/2026 08:30"
    fix = f"Écrivez-la comme {_EXAMPLE.strftime(written)}, ou {french}"
    if content.sheet:
        fix += ", ou mettez la cellule au format Date"
    return "la date ne peut pas être lue", f"{fix}."


def _suite_remarks(findings: Iterable[Finding], form: Form) -> Iterator[str]:
    for finding in findings:
        meta = finding.expectation.meta
        if meta.on_failure != "quarantine" and not finding.within_tolerance:
            yield f"À vérifier : {form.corrections.get(meta.check, _ASK)}"


def _repeat_remark(typed: pl.DataFrame, places: _Places) -> Iterator[str]:
    is_repeat = ~typed.select(pl.struct(pl.all()).is_first_distinct())[:, 0]
    numbers = places.numbers(is_repeat)
    if not numbers:
        return
    count = len(numbers)
    one = count == 1
    where = f"{count} ligne{'' if one else 's'}"
    if all(numbers):
        where = lines(numbers[:SHOWN_ROWS], count)
    yield (
        f"{where[0].upper()}{where[1:]} : "
        f"{'identique' if one else 'identiques'} à une ligne précédente, "
        f"{'comptée' if one else 'comptées'} une seule fois. Si ce n'est pas un "
        "doublon, réunissez-les en une seule ligne et redéposez le fichier."
    )


def _periods(rows: pl.DataFrame, form: Form, spec: SourceSpec) -> tuple[date, ...]:
    """First days of the periods of a table, as its partner reckons time."""
    column = spec.column(form.period.column)
    moments = rows[column.name]
    if column.type is ColumnType.DATETIME:
        moments = moments.dt.convert_time_zone(column.timezone or "UTC")
    days = moments.dt.date().dt.truncate(_EVERY[form.period.each])
    return tuple(days.unique().sort().to_list())
