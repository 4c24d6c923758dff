"""What a release says of how its personal data were protected, and at what cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from lrtzc_pipelines.anonymizing import REPORT
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.privacy.noise_releasing import PRIVATE
from lrtzc_pipelines.slicing import slices
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.storage import read_json

FILE = "privacy.json"
_EXACT = ("row_count", "suppressed_rows", PRIVATE)


def privacy_manifest(
    specs: Mapping[str, SourceSpec], layout: Layout, released: Collection[str]
) -> dict[str, Any]:
    """For each source behind the release, what was asked of it and what was achieved.

    Args:
        specs: Every source.
        layout: Where the reports of the protections are.
        released: Ids of the sources that the release is made from.
    """
    return {
        source_id: _entry(specs[source_id], layout) for source_id in sorted(released)
    }


def _entry(spec: SourceSpec, layout: Layout) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "title": spec.title,
        "tier": str(spec.released_tier),
        "licence": spec.released_licence,
        "raw_retention_days": spec.raw_retention_days,
        "columns": {
            column.name: _rule(column.privacy)
            for column in spec.columns
            if column.privacy != "keep"
        },
    }
    if spec.protection:
        found = {
            part.parts[-1]: _told(report)
            for part in slices(spec, layout)
            if (report := read_json(layout.anonymized(*part.parts) / REPORT))
        }
        entry["protection"] = found if spec.is_daily else found.get(spec.id)
    return entry


def _told(report: dict[str, Any]) -> dict[str, Any]:
    """What of a report may be read by everybody.

    Exact numbers of rows stay private: with the sum of the published cells they would
    tell exactly how few are in none.
    """
    told = {name: value for name, value in report.items() if name not in _EXACT}
    if "suppressed_share" in told:
        told["suppressed_share"] = round(told["suppressed_share"], 2)
    if "grains" in told:
        told["grains"] = [
            {name: value for name, value in grain.items() if name != "rows"}
            for grain in told["grains"]
        ]
    return told


def _rule(privacy: Any) -> Any:
    return privacy if isinstance(privacy, str) else privacy.model_dump(mode="json")
