"""The consents of the sandbox's invented meters, as an operator would have them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import yaml

from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.sandbox.draws import TODAY
from lrtzc_pipelines.sandbox.recipe_sources import RecipeSources
from lrtzc_pipelines.sources.protocols import LinkyConnector
from lrtzc_pipelines.sources.registry import load_sources
from lrtzc_pipelines.storage import write_bytes

_METER = "usage_point_id"
_FIRST_DAY, _LAST_DAY = date(2020, 1, 1), date(2099, 12, 31)


def write_consents(data_dir: Path, seed: int, *, canaries: bool = False) -> list[Path]:
    """Writes the files of consents that are not there yet; their paths.

    One that is there may be an operator's, and is left as it is.

    Args:
        data_dir: Data directory.
        seed: Seed of the sandbox whose meters these are.
        canaries: Whether canaries are planted in it.
    """
    layout, recipes = Layout(data_dir), RecipeSources(seed, canaries)
    written = []
    for spec in load_sources().values():
        path = layout.consents(spec.endpoint)
        if not isinstance(spec.connector, LinkyConnector) or path.exists():
            continue
        meters = recipes.table(spec, TODAY).frame[_METER]
        layout.private(path.parent.name)
        write_bytes(path, _file(meters.unique(maintain_order=True).to_list()))
        written.append(path)
    return written


def _file(meters: list[str]) -> bytes:
    entries = [
        {
            _METER: meter,
            "consented_from": _FIRST_DAY,
            "consented_until": _LAST_DAY,
        }
        for meter in meters
    ]
    return yaml.safe_dump(entries, sort_keys=False).encode()
