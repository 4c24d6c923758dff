"""What every protection says, whatever it makes of the rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from lrtzc_pipelines.sources.columns import Column, ColumnType
from lrtzc_pipelines.sources.registers import WithRegisters
from lrtzc_pipelines.sources.sides import Point, check_squares, spread
from lrtzc_pipelines.sources.takes import tables_of


class BaseProtection(WithRegisters):
    """What every protection says, beside its registers.

    Attributes:
        source: Text or policy that the thresholds come from.
        open_licence: Licence under which what goes on is open data, whatever the tier
            of the rows; without one it stays with them.
        points: Pairs of columns that are a place, of which squares may be taken.
    """

    source: Annotated[str, Field(min_length=10)]
    open_licence: str | None = None
    points: tuple[Point, ...] = ()

    @model_validator(mode="after")
    def _squares_of_points(self) -> Self:
        for column, takes in self.taken():
            check_squares(column, takes, self.points)
        names = {column for column, _ in self.taken()}
        if unused := sorted({point.name for point in self.points} - names):
            msg = f"points: nothing is taken of {', '.join(unused)}"
            raise ValueError(msg)
        return self

    @abstractmethod
    def taken(self) -> list[tuple[str, tuple[str, ...]]]:
        """Columns and points, with what is taken of each, from finest to coarsest."""

    @property
    def code_tables(self) -> list[str]:
        """Names of the tables of codes that something is looked up in."""
        return tables_of(take for _, takes in self.taken() for take in takes)

    def quasi_columns(self) -> dict[str, str]:
        """Columns that cells or classes are made of."""
        names = [column for column, _ in self.taken()]
        return dict.fromkeys(spread(names, self.points), "quasi")

    def check_columns(self, columns: Mapping[str, Column], *, is_daily: bool) -> None:  # noqa: ARG002 - some need it
        """Raises ValueError if columns are not such as the protection needs.

        Args:
            columns: Those of the source, by name.
            is_daily: Whether the source is partitioned by day.
        """
        for point in self.points:
            for name in (point.longitude, point.latitude):
                if columns[name].type is not ColumnType.NUMBER:
                    msg = f"column {name}: a coordinate of a point is a number"
                    raise ValueError(msg)
