"""dbt as the warehouse build uses it: one database file per run, frozen inputs."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from dagster_dbt import DbtCliResource
from packaging.version import Version

from lrtzc_pipelines.dbt_models import PROJECT_DIR, build_environment
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.storage import locked


class InstalledDbt(DbtCliResource):
    """The dbt of this Python environment.

    dagster-dbt learns the version from `dbt --version`, which takes seconds and asks
    the package index whether there is a newer one; the installed metadata know it.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))


def dbt_resource() -> DbtCliResource:
    """Dbt on the project beside the package."""
    return InstalledDbt(
        project_dir=os.fspath(PROJECT_DIR),
        profiles_dir=os.fspath(PROJECT_DIR),
        dbt_executable=os.fspath(Path(sys.executable).parent / "dbt"),
    )


@contextmanager
def building_in(folder: Path, layout: Layout, *, memory: str) -> Iterator[None]:
    """Points dbt at the folder of one build, for the block.

    dagster-dbt hands dbt the environment of its own process and reads it itself to
    look at the tables afterwards, so that is where the paths have to be.

    Raises:
        Busy: another process is building.
    """
    wanted = build_environment(layout, memory=memory)
    before = {name: os.environ.get(name) for name in wanted}
    with locked(layout.lock("warehouse"), "a warehouse build"):
        layout.building_now.unlink(missing_ok=True)
        layout.building_now.symlink_to(folder.name, target_is_directory=True)
        os.environ.update(wanted)
        try:
            yield
        finally:
            layout.building_now.unlink(missing_ok=True)
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
