"""The deposit forms: who may deposit what, under which licence, for which purpose.

A form feeds one source, whose specification and suite say what a file must hold. Every
depositor has a folder of its own below it. What belongs here: the shape of a form and
how it agrees with its source.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from lrtzc_pipelines.errors import SpecError
from lrtzc_pipelines.expectations.suites import Suite, load_suite
from lrtzc_pipelines.sources.columns import ColumnType
from lrtzc_pipelines.sources.formats import CsvFormat
from lrtzc_pipelines.sources.frozen import Frozen
from lrtzc_pipelines.sources.protocols import DepositConnector
from lrtzc_pipelines.sources.registry import (
    SOURCES_DIR,
    SUITES_DIR,
    explain,
    load_source,
    read_yaml,
)
from lrtzc_pipelines.sources.spec import SourceSpec, Tier

FORMS_DIR = Path(__file__).parent / "forms"

DEPOSITOR = "deposant"
"""Column that intake puts before those of the file: whose rows they are.

Two companies may take waste of the same establishment, and two operators count their
trips from one: without it, the rows of one would pass for repeats of the other's.
"""


class Period(Frozen):
    """How the files of a form follow each other.

    A file covers whole periods. A later file that covers all the periods of an earlier
    one of the same depositor replaces it: that is how a partner corrects.

    Attributes:
        column: Column of the source, a date or datetime of its key, that tells the
            period: files of different periods then never contradict each other.
        each: Length of a period.
    """

    column: str
    each: Literal["month", "quarter", "year"]


class Form(Frozen):
    """One deposit form; its texts are French, for the partner.

    Attributes:
        id: Name of the form, of its file and of its folder in the inbox.
        source: Source it feeds.
        depositor: Who may deposit.
        purpose: What the data are for, as the agreement with the partner says.
        contact: Whom a partner writes to.
        sheet: Sheet of a workbook; the first visible one if absent.
        codes: Headings of columns in which spaces do not count, such as `15 01 01`.
        max_megabytes: Largest file, unpacked.
        settle_seconds: Time without a change after which a file counts as complete.
        corrections: How to correct what each check of the suite finds.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Annotated[str, Field(min_length=5)]
    source: str
    depositor: Annotated[str, Field(min_length=3)]
    purpose: Annotated[str, Field(min_length=20)]
    licence: str
    tier: Tier
    contact: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
    period: Period
    sheet: str | None = None
    codes: tuple[str, ...] = ()
    max_megabytes: Annotated[int, Field(ge=1, le=500)] = 50
    settle_seconds: Annotated[float, Field(ge=0)] = 60
    corrections: dict[str, str] = Field(default_factory=dict)

    @property
    def max_bytes(self) -> int:
        """Largest file, in bytes."""
        return self.max_megabytes * 1_000_000


@dataclass(frozen=True)
class Channel:
    """A form with the source that it feeds, and that source's suite."""

    form: Form
    spec: SourceSpec
    suite: Suite


def load_forms(directory: Path = FORMS_DIR) -> dict[str, Form]:
    """Every form by id, sorted.

    Raises:
        SpecError: one does not load.
    """
    return {path.stem: load_form(path) for path in sorted(directory.glob("*.yaml"))}


def load_form(path: Path) -> Form:
    """The form in one file, whose stem is its id.

    Raises:
        SpecError: it does not load; names the file and the field.
    """
    data = {"id": path.stem, **read_yaml(path)}
    try:
        return Form.model_validate(data)
    except ValidationError as error:
        raise explain(path, data, error) from None


def find_form(form_id: str, directory: Path = FORMS_DIR) -> Form:
    """The form with this id.

    Raises:
        SpecError: there is none, or it does not load.
    """
    known = sorted(path.stem for path in directory.glob("*.yaml"))
    if form_id not in known:
        msg = f"unknown form: {form_id} (known: {', '.join(known)})"
        raise SpecError(msg)
    return load_form(directory / f"{form_id}.yaml")


def load_channel(
    form: Form, sources_dir: Path = SOURCES_DIR, suites_dir: Path = SUITES_DIR
) -> Channel:
    """A form with the source that it feeds.

    Raises:
        SpecError: the source does not load, or does not agree with the form.
    """
    spec = load_source(sources_dir / f"{form.source}.yaml")
    suite = load_suite(spec, suites_dir)
    for problem in disagreements(form, spec, suite):
        msg = f"{form.id}.yaml: {problem}"
        raise SpecError(msg)
    return Channel(form, spec, suite)


def disagreements(form: Form, spec: SourceSpec, suite: Suite) -> list[str]:
    """What a form says that its source does not."""
    problems = [*_source_problems(form, spec)]
    problems += [
        f"{name}: the source says {getattr(spec, name)}"
        for name in ("licence", "tier")
        if getattr(form, name) != getattr(spec, name)
    ]
    column = next((c for c in spec.columns if c.name == form.period.column), None)
    times = {ColumnType.DATE, ColumnType.DATETIME}
    if column is None or column.type not in times or not column.required:
        problems.append("period.column: not a required date or datetime of the source")
    elif column.name not in spec.primary_key:
        problems.append(f"period.column: {column.name} is no part of the source's key")
    texts = {c.source for c in spec.columns if c.type is ColumnType.TEXT}
    problems += [
        f"codes: {name} is no text of the source"
        for name in form.codes
        if name not in texts
    ]
    checks = {item.meta.check for item in suite.expectations}
    if checks != set(form.corrections):
        differ = ", ".join(sorted(checks ^ set(form.corrections)))
        problems.append(f"corrections: one for each check of the suite, not {differ}")
    return problems


def _source_problems(form: Form, spec: SourceSpec) -> Iterator[str]:
    """What keeps a source from being fed by deposits."""
    connector = spec.connector
    if not isinstance(connector, DepositConnector) or connector.form != form.id:
        yield f"source: {spec.id} does not collect this form"
    csv = spec.format
    is_plain = isinstance(csv, CsvFormat) and csv.compression == "none"
    if not isinstance(csv, CsvFormat) or not (is_plain and csv.quote):
        yield f"source: {spec.id}: deposits are kept as csv with quotes"
    elif codecs.lookup(csv.encoding).name != "utf-8":
        yield f"source: {spec.id}: deposits are kept in UTF-8"
    column = next((c for c in spec.columns if c.source == DEPOSITOR), None)
    is_kept_apart = (
        column is not None
        and column.required
        and column.name in spec.primary_key
        and column.privacy == "drop"
    )
    if not is_kept_apart:
        yield (
            f"source: {spec.id} has no required column from {DEPOSITOR!r} that is "
            "in its key and dropped before publication"
        )
