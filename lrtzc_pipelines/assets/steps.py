"""What the assets of sources have in common: definition, slice, and failures."""

from datetime import date
from typing import Any

import dagster as dg

from lrtzc_pipelines.assets.metadata import source_metadata, source_tags
from lrtzc_pipelines.errors import AuditFailed, LrtzcError
from lrtzc_pipelines.slicing import TIMEZONE
from lrtzc_pipelines.sources.spec import SourceSpec

DAYS = dg.DailyPartitionsDefinition("2015-01-01", timezone=TIMEZONE)
"""One definition for all: a run has one, and takes a day of several sources."""


def common(spec: SourceSpec) -> dict[str, Any]:
    """Arguments that each asset of a source is defined with."""
    return {
        "partitions_def": DAYS if spec.is_daily else None,
        "group_name": str(spec.theme),
        "owners": [spec.owner],
        "tags": source_tags(spec),
        "metadata": source_metadata(spec),
        "output_required": False,
    }


def slice_of(context: dg.AssetExecutionContext, spec: SourceSpec) -> SourceSpec:
    """The source, or the day of it that this run is about."""
    if not spec.is_daily:
        return spec
    return spec.for_day(date.fromisoformat(context.partition_key))


class failures:  # noqa: N801 - read as `with failures():`
    """Turns the platform's errors into step failures that no policy retries.

    Passing faults were already retried where that makes sense, in the HTTP client.
    """

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        # The findings of an audit become check results.
        if isinstance(error, LrtzcError) and not isinstance(error, AuditFailed):
            raise dg.Failure(str(error), allow_retries=False) from error
