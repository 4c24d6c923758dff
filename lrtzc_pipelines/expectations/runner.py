"""Runs a suite on a frame; the only module that imports Great Expectations.

It is imported inside the functions: it takes seconds, and no command that does not
validate should pay for it. Great Expectations has no Polars engine, so the columns a
suite looks at go through Arrow-backed pandas, without a copy.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from lrtzc_pipelines.errors import SpecError
from lrtzc_pipelines.expectations.suites import Expectation, Suite

if TYPE_CHECKING:
    from great_expectations.core.batch_definition import BatchDefinition

MAX_EXAMPLES = 5
_warming = threading.Event()
_importing = threading.Lock()


@dataclass(frozen=True)
class Finding:
    """What one expectation found.

    Attributes:
        element_count: Rows looked at; None for an expectation about the whole table.
        unexpected_count: Rows that failed, whatever `mostly` allows.
        within_tolerance: Whether Great Expectations counts it as a success.
        examples: A few failing values; the caller decides whether they may be shown.
        observed: Value observed, for an expectation about the whole table.
        failing_rows: Positions of all failing rows, where they are to be quarantined.
    """

    expectation: Expectation
    element_count: int | None
    unexpected_count: int
    within_tolerance: bool
    examples: tuple[Any, ...] = ()
    observed: Any = None
    failing_rows: tuple[int, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing at all failed."""
        return self.within_tolerance and self.unexpected_count == 0


def run_suite(frame: pl.DataFrame, suite: Suite) -> list[Finding]:
    """What each expectation found, in the order of the suite.

    Raises:
        SpecError: Great Expectations refused an expectation's arguments.
    """
    used = sorted({name for item in suite.expectations for name in item.columns})
    data = frame.select(used or pl.int_range(pl.len()).alias("row")).to_pandas(
        use_pyarrow_extension_array=True
    )
    findings = _validate(data, suite.name, suite.expectations, "SUMMARY")
    # Positions are asked for only where rows are to be taken out: a list of every
    # failing row of a table that fails outright would not fit in memory.
    partial = tuple(
        f.expectation
        for f in findings
        if f.expectation.meta.on_failure == "quarantine"
        and f.within_tolerance
        and f.unexpected_count
    )
    if not partial:
        return findings
    located = {
        f.expectation.meta.check: f
        for f in _validate(data, suite.name, partial, "COMPLETE")
    }
    return [located.get(f.expectation.meta.check, f) for f in findings]


def _batch_definition() -> BatchDefinition[Any]:
    """A fresh place for one frame: a context keeps every frame it was ever given."""
    gx = _great_expectations()
    from great_expectations.data_context.types.base import (  # noqa: PLC0415 - the same
        ProgressBarsConfig,
    )

    context = gx.get_context(mode="ephemeral")
    # Its bars are no progress that anyone waits for.
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("validated")
    asset = source.add_dataframe_asset("frame")
    definition: BatchDefinition[Any] = asset.add_batch_definition_whole_dataframe(
        "whole"
    )
    return definition


def _great_expectations() -> Any:
    """The library, imported once, with its messages about itself turned down."""
    with _importing:
        logging.getLogger("great_expectations").setLevel(logging.WARNING)
        import great_expectations as gx  # noqa: PLC0415 - seconds to import

        return gx


def warm_up() -> None:
    """Starts importing Great Expectations in the background, once per process.

    Called when a download shows that there will be something to validate: the import
    then costs the time that would be spent waiting for the service.
    """
    if not _warming.is_set():
        _warming.set()
        threading.Thread(target=_great_expectations, daemon=True).start()


def _validate(
    data: Any,
    name: str,
    expectations: tuple[Expectation, ...],
    result_format: str,
) -> list[Finding]:
    definition = _batch_definition()
    from great_expectations import ExpectationSuite  # noqa: PLC0415 - see above

    batch = definition.get_batch(batch_parameters={"dataframe": data})
    suite = ExpectationSuite(
        name=name, expectations=[item.as_configuration() for item in expectations]
    )
    result = batch.validate(suite, result_format={"result_format": result_format})
    by_check = {
        (item.expectation_config.meta or {})["check"]: item.to_json_dict()
        for item in result.results
        if item.expectation_config
    }
    return [
        _finding(name, item, by_check[item.meta.check], result_format)
        for item in expectations
    ]


def _finding(
    name: str, expectation: Expectation, result: dict[str, Any], result_format: str
) -> Finding:
    raised = _exception(result["exception_info"])
    if raised:
        msg = f"{name}: {expectation.meta.check}: cannot be evaluated: {raised}"
        raise SpecError(msg)
    found = result["result"]
    rows = found.get("unexpected_index_list") if result_format == "COMPLETE" else None
    return Finding(
        expectation=expectation,
        element_count=found.get("element_count"),
        unexpected_count=int(found.get("unexpected_count") or 0),
        within_tolerance=bool(result["success"]),
        examples=tuple(found.get("partial_unexpected_list", ())[:MAX_EXAMPLES]),
        observed=found.get("observed_value"),
        failing_rows=tuple(rows or ()),
    )


def _exception(info: dict[str, Any]) -> str | None:
    """The message of an exception, in either shape Great Expectations gives it."""
    nested = info.values() if "raised_exception" not in info else (info,)
    for item in nested:
        if item.get("raised_exception"):
            return str(item.get("exception_message"))
    return None
