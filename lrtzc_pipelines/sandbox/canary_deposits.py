"""Canaries in the files of partners, and in the names of the partners themselves."""

from __future__ import annotations

import io
from dataclasses import replace

import polars as pl

from lrtzc_pipelines.canaries.invented import Canary, Draw, word
from lrtzc_pipelines.deposits.forms import DEPOSITOR, find_form
from lrtzc_pipelines.sandbox.planting import REFUSED, plant
from lrtzc_pipelines.sources.registry import SOURCES_DIR, load_source
from lrtzc_pipelines.sources.spec import SourceSpec

_SEPARATOR = ";"


def planted_table(
    form_id: str, text: str, seed: int, *, refused: bool
) -> tuple[str, tuple[Canary, ...]]:
    """A file with canaries in 64 of its rows, and what was planted.

    Args:
        form_id: Form that the file is for.
        text: The file.
        seed: Equal seeds plant equal values.
        refused: Whether the file is to be refused, which it is as a whole.
    """
    body = text.encode()
    frame = pl.read_csv(body, separator=_SEPARATOR, infer_schema=False)
    planted = plant(frame, _spec(form_id), seed, refused=REFUSED if refused else 0)
    written = io.StringIO()
    planted.frame.write_csv(written, separator=_SEPARATOR)
    canaries = (replace(c, is_refused=refused) for c in planted.canaries)
    return written.getvalue(), tuple(canaries)


def planted_depositor(form_id: str, seed: int) -> Canary:
    """The name of a partner's folder, which stands in a column of every row."""
    spec = _spec(form_id)
    token = word(Draw(seed, spec.id, DEPOSITOR, 0))
    return Canary(spec.id, DEPOSITOR, 0, f"kanari_{token}", (token,))


def _spec(form_id: str) -> SourceSpec:
    return load_source(SOURCES_DIR / f"{find_form(form_id).source}.yaml")
