"""The platform itself as a resource: settings, paths, specifications, addresses."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import dagster as dg

from lrtzc_pipelines.connectors.addresses import Target, resolve
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.sources.registry import (
    SOURCES_DIR,
    load_endpoints,
    load_sources,
)
from lrtzc_pipelines.sources.spec import Endpoint, SourceSpec


@cache
def _specs(directory: str) -> dict[str, SourceSpec]:
    return load_sources(Path(directory))


@cache
def _endpoints(directory: str) -> dict[str, Endpoint]:
    return load_endpoints(Path(directory))


class Platform(dg.ConfigurableResource[None]):
    """What every asset needs to find its way.

    Addresses and keys are read from the environment when a run starts, never stored
    in a run's configuration, where the UI would show them.
    """

    data_dir: str
    sources_dir: str = str(SOURCES_DIR)

    @property
    def settings(self) -> Settings:
        """The environment of this process."""
        return Settings()

    @property
    def layout(self) -> Layout:
        """Paths below the data directory."""
        return Layout(Path(self.data_dir))

    @property
    def specs(self) -> dict[str, SourceSpec]:
        """Every source by id."""
        return _specs(self.sources_dir)

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """Every declared endpoint by id."""
        return _endpoints(self.sources_dir)

    def target(self, spec: SourceSpec) -> Target:
        """Where to collect a source, with override, key and contact."""
        return resolve(self.endpoints[spec.endpoint], self.settings)
