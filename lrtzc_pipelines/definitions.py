"""What Dagster loads: every asset, job, schedule and sensor of the environment."""

from __future__ import annotations

from lrtzc_pipelines.assembly import build_definitions
from lrtzc_pipelines.settings import Settings

defs = build_definitions(Settings())
