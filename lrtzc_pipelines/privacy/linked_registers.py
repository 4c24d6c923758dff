"""Which registers are held that a protected source is to be set against, and where.

A register of invented data says nothing of real ones, so only one of the same origin
counts as held.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import DATA, ValidatedState, read_state


def held_registers(spec: SourceSpec, layout: Layout, origin: str) -> dict[str, Path]:
    """Validated files (private) of the registers of a source that are held, by source.

    Args:
        spec: The source.
        layout: Where they would be.
        origin: Where the rows of the source come from.
    """
    return {source_id: path for source_id, path, _ in _held(spec, layout, origin)}


def register_versions(spec: SourceSpec, layout: Layout, origin: str) -> dict[str, str]:
    """Hash of the content of each register that is held, by source."""
    return {source_id: version for source_id, _, version in _held(spec, layout, origin)}


def _held(
    spec: SourceSpec, layout: Layout, origin: str
) -> Iterator[tuple[str, Path, str]]:
    for register in spec.protection.linked_registers if spec.protection else ():
        folder = layout.validated(register.source)
        state = read_state(ValidatedState, folder)
        if state and state.origin == origin:
            yield register.source, folder / DATA, state.content_sha256
