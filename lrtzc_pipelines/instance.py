"""The embedded Dagster instance as files: its folder and its configuration.

Apart from `running`, so that commands which only need the folder do not load Dagster.
"""

from __future__ import annotations

from pathlib import Path

from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.storage import write_bytes

CONFIG = Path(__file__).parent.parent / "dagster.yaml"


def write_instance_config(layout: Layout) -> Path:
    """The Dagster home of a data directory, with the configuration of this version.

    A `dagster.yaml` that was changed by hand is left as it is.
    """
    home = layout.private("dagster")
    path = home / CONFIG.name
    if not path.exists():
        write_bytes(path, CONFIG.read_bytes())
    return home


def unfinished_mark(layout: Layout) -> Path:
    """File that is there while a command has runs under way, or died with some."""
    return layout.private("dagster") / "unfinished"
