"""What every command starts from: settings, paths and specifications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from lrtzc_pipelines.errors import SpecError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.sources.registry import (
    SOURCES_DIR,
    load_endpoints,
    load_sources,
)
from lrtzc_pipelines.sources.spec import Endpoint, SourceSpec


@dataclass
class Workspace:
    """Settings of the process, and what they lead to, read when it is first needed."""

    settings: Settings

    @cached_property
    def layout(self) -> Layout:
        """Paths below the data directory."""
        return Layout(self.settings.data_dir)

    @cached_property
    def specs(self) -> dict[str, SourceSpec]:
        """Every source by id."""
        return load_sources(self.settings.sources_dir or SOURCES_DIR)

    @cached_property
    def endpoints(self) -> dict[str, Endpoint]:
        """Every declared endpoint by id."""
        return load_endpoints(self.settings.sources_dir or SOURCES_DIR)

    def choose(self, source_ids: Sequence[str] | None) -> list[str]:
        """The sources a person named, or all of them.

        Raises:
            SpecError: one of them does not exist.
        """
        unknown = sorted(set(source_ids or ()) - set(self.specs))
        if unknown:
            msg = (
                f"unknown source: {', '.join(unknown)} (known: {', '.join(self.specs)})"
            )
            raise SpecError(msg)
        return sorted(set(source_ids)) if source_ids else list(self.specs)


def workspace() -> Workspace:
    """The workspace that the environment describes."""
    return Workspace(Settings())
