"""Runs a source's test case: a few invented answers through the real line.

A case is a folder with the answers (`response.csv`, or one file per page) and
`expected.json`, the golden result. Nothing is collected here: the case is stored as a
raw snapshot, validated and anonymized as any other.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Self

import polars as pl
from pydantic import Field, ValidationError, model_validator

from lrtzc_pipelines.anonymizing import write_anonymized
from lrtzc_pipelines.errors import SpecError
from lrtzc_pipelines.expectations.suites import Suite
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.quarantine import read_quarantine
from lrtzc_pipelines.raw_store import RawStore, Snapshot, StoredPage, Writer
from lrtzc_pipelines.sources.frozen import Frozen
from lrtzc_pipelines.sources.registry import explain
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import DATA
from lrtzc_pipelines.validating import validate

EXPECTED = "expected.json"
_MOMENT = datetime(2025, 1, 1, tzinfo=UTC)
_DIGITS = re.compile(r"(\d+)")


class Filler(Frozen):
    """Plain rows added to a page, for suites that ask for many.

    Attributes:
        page: File the rows are added to.
        text: One row, with `{n}` for its number.
        before: What the rows are put before (its last occurrence); by default they
            go to the end of the page.
        first: Number of the first row.
        count: How many rows.
        column: Published column whose value tells these rows apart; where cells are
            made of them, none does, and they are told with the rest.
        starts_with: What that value begins with.
    """

    page: str
    text: str
    before: str = ""
    first: int = 1
    count: int = Field(ge=1)
    column: str | None = None
    starts_with: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _told_apart_by_a_value(self) -> Self:
        if (self.column is None) != (self.starts_with is None):
            msg = "filler: column and starts_with go together"
            raise ValueError(msg)
        return self

    def added_to(self, body: bytes, encoding: str) -> bytes:
        """The page with the rows in it."""
        # The mark that some files begin with does not stand inside them.
        encoding = encoding.removesuffix("-sig")
        rows = "".join(
            self.text.replace("{n}", str(number))
            for number in range(self.first, self.first + self.count)
        ).encode(encoding)
        mark = self.before.encode(encoding)
        at = body.rindex(mark) if mark else len(body)
        return body[:at] + rows + body[at:]


class Expected(Frozen):
    """The golden result of a case.

    Attributes:
        shows: What the case is there to show.
        rows: Anonymized rows in their order, filler left out.
        quarantined: Rule and columns of each refused row, in the order received.
        checks: Whether each check passed, by name.
    """

    shows: str = Field(min_length=10)
    filler: Filler | None = None
    rows: list[dict[str, Any]]
    quarantined: list[dict[str, str]]
    checks: dict[str, bool]


@dataclass(frozen=True)
class CaseResult:
    """What came out of a case, in the shape of `Expected`."""

    rows: list[dict[str, Any]]
    quarantined: list[dict[str, str]]
    checks: dict[str, bool]


def load_expected(case: Path) -> Expected:
    """The golden result of a case.

    Raises:
        SpecError: `expected.json` is absent or has another shape.
    """
    path = case / EXPECTED
    try:
        data = json.loads(path.read_text("utf-8"))
        return Expected.model_validate(data)
    except FileNotFoundError:
        msg = f"{case.name}/{EXPECTED}: absent: every source needs a test case"
        raise SpecError(msg) from None
    except json.JSONDecodeError as error:
        msg = f"{case.name}/{EXPECTED}: not JSON: {error}"
        raise SpecError(msg) from error
    except ValidationError as error:
        raise explain(path, data, error) from None


def run_case(
    spec: SourceSpec,
    suite: Suite,
    case: Path,
    layout: Layout,
    *,
    filler: Filler | None = None,
) -> CaseResult:
    """What becomes of a case's answers: no row if a check blocks them.

    Args:
        spec: Source of the case.
        suite: Its suite.
        case: Folder of the answers.
        layout: A data directory of its own.
        filler: Rows to add to one of the pages.
    """
    # A source partitioned by day goes through as the slice of one.
    part = spec.for_day(_MOMENT.date()) if spec.is_daily else spec
    snapshot = _store(part, case, layout, filler)
    validated = validate(part, suite, snapshot, layout, run_id="case")
    rows: list[dict[str, Any]] = []
    if validated.state:
        write_anonymized(part, layout, run_id="case")
        frame = pl.read_parquet(layout.anonymized(*part.parts) / DATA)
        rows = [_as_json(row) for row in frame.to_dicts()]
    refused = read_quarantine(spec, layout)
    return CaseResult(
        rows=rows,
        quarantined=[] if refused is None else _places(refused),
        checks={check.name: check.passed for check in validated.checks},
    )


def without_filler(result: CaseResult, filler: Filler | None) -> CaseResult:
    """The result without its filler.

    Raises:
        SpecError: another number of filler rows came out than was put in.
    """
    if filler is None or filler.column is None or filler.starts_with is None:
        return result
    column, start = filler.column, filler.starts_with
    rest = [row for row in result.rows if not str(row[column]).startswith(start)]
    came_out = len(result.rows) - len(rest)
    if result.rows and came_out != filler.count:
        msg = f"{came_out} filler rows came out, {filler.count} were put in"
        raise SpecError(msg)
    return CaseResult(rest, result.quarantined, result.checks)


def compare(expected: Expected, result: CaseResult) -> list[dict[str, Any]]:
    """What differs between a case's golden result and what came out, by part."""
    found = without_filler(result, expected.filler)
    return [
        {"part": part, "expected": wanted, "found": came_out}
        for part in ("checks", "quarantined", "rows")
        if (wanted := getattr(expected, part)) != (came_out := getattr(found, part))
    ]


def rewrite_expected(case: Path, expected: Expected, result: CaseResult) -> Path:
    """Takes what came out of a case as its golden result."""
    found = without_filler(result, expected.filler)
    golden = expected.model_copy(update=vars(found))
    path = case / EXPECTED
    path.write_text(expected_text(golden), "utf-8")
    return path


def expected_text(expected: Expected) -> str:
    """The text of `expected.json`."""
    data = expected.model_dump()
    if expected.filler is None:
        del data["filler"]
    elif expected.filler.column is None:
        del data["filler"]["column"], data["filler"]["starts_with"]
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def answers(case: Path) -> list[Path]:
    """The answers of a case, in the order of their numbers."""
    return sorted(
        (p for p in case.iterdir() if p.is_file() and p.name != EXPECTED),
        key=lambda p: [
            (int(part), "") if part.isdecimal() else (0, part)
            for part in _DIGITS.split(p.name)
        ],
    )


def _store(
    spec: SourceSpec, case: Path, layout: Layout, filler: Filler | None
) -> Snapshot:
    store = RawStore(layout.raw(*spec.parts))
    with Writer(store) as writer:
        pages = tuple(_pages(spec, case, writer, filler))
        content = "\n".join(page.sha256 for page in pages)
        snapshot = Snapshot(
            id="case",
            source_id=spec.id,
            run_id="case",
            collected_at=_MOMENT.isoformat(),
            origin="sandbox",
            licence=spec.licence,
            content_sha256=hashlib.sha256(content.encode()).hexdigest(),
            announced_total=None,
            pages=pages,
        )
        writer.seal([], snapshot)
    return snapshot


def _pages(
    spec: SourceSpec, case: Path, writer: Writer, filler: Filler | None
) -> Iterator[StoredPage]:
    for path in answers(case):
        body = path.read_bytes()
        if filler and filler.page == path.name:
            body = filler.added_to(body, getattr(spec.format, "encoding", "utf-8"))
        suffix = path.suffix.lstrip(".")
        sha256 = writer.add(body, suffix)
        yield StoredPage(path.stem, suffix, sha256, sha256, len(body))


def _places(refused: pl.DataFrame) -> list[dict[str, str]]:
    return refused.select("rule", "column").to_dicts()


def _as_json(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in row.items()
    }
