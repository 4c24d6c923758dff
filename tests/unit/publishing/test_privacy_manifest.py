"""What a release says of the protection of the sources behind it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from lrtzc_pipelines.anonymizing import REPORT
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.publishing.privacy_manifest import privacy_manifest
from lrtzc_pipelines.sources.registry import load_sources
from lrtzc_pipelines.storage import write_json

SPECS = load_sources()
CURVES = SPECS["linky_load_curves"]
WASTE = SPECS["valorisation_company_waste"]


def test_only_sources_behind_the_release_are_told(tmp_path: Path) -> None:
    found = privacy_manifest(SPECS, Layout(tmp_path), {WASTE.id, "yelo_bike_stations"})
    assert list(found) == [WASTE.id, "yelo_bike_stations"]
    assert "protection" not in found["yelo_bike_stations"]


def test_every_column_that_is_not_kept_says_what_became_of_it(tmp_path: Path) -> None:
    found = privacy_manifest(SPECS, Layout(tmp_path), {WASTE.id})[WASTE.id]
    assert found["columns"]["establishment_siret"] == "subject"
    assert found["columns"]["commune_code"] == "drop"
    assert found["raw_retention_days"] == WASTE.raw_retention_days


def test_reports_stand_by_source_or_by_day(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_json(layout.anonymized(WASTE.id) / REPORT, {"cells": 12})
    part = CURVES.for_day(date(2026, 3, 1))
    layout.raw(*part.parts)
    write_json(layout.anonymized(*part.parts) / REPORT, {"cells": 48})
    found = privacy_manifest(SPECS, layout, {WASTE.id, CURVES.id})
    assert found[WASTE.id]["protection"] == {"cells": 12}
    assert found[CURVES.id]["protection"] == {"2026-03-01": {"cells": 48}}


def test_exact_numbers_of_rows_stay_private(tmp_path: Path) -> None:
    """They would tell exactly how few are in no cell."""
    layout = Layout(tmp_path)
    report = {
        "cells": 12,
        "row_count": 1003,
        "suppressed_rows": 3,
        "suppressed_share": 0.002991,
        "grains": [{"takes": {"month": "1mo"}, "cells": 12, "rows": 1000}],
    }
    write_json(layout.anonymized(WASTE.id) / REPORT, report)
    found = privacy_manifest(SPECS, layout, {WASTE.id})
    assert found[WASTE.id]["protection"] == {
        "cells": 12,
        "suppressed_share": 0.0,
        "grains": [{"takes": {"month": "1mo"}, "cells": 12}],
    }
