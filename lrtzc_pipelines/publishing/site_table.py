"""The data table that stands under every chart of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TableGroup:
    """Rows of a table, under a heading of their own if `label` is not empty."""

    label: str
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Table:
    """A data table; the first cell of each row is its heading.

    Attributes:
        element_id: Unique in the page.
        summary: What the reader clicks to unfold the table.
        is_numeric: Whether all but the first column are numbers.
    """

    element_id: str
    summary: str
    caption: str
    columns: Sequence[str]
    groups: Sequence[TableGroup]
    is_numeric: bool = True
