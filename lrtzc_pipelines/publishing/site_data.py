"""What the public page reads in a release, as typed rows.

Only this module of the page knows tables and SQL. Text is cleaned here, once, and a
number that is not finite becomes absent; nothing is formatted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
import polars as pl

from lrtzc_pipelines.publishing.map import Outline, Station
from lrtzc_pipelines.publishing.site_text import clean

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

EPCI_SIREN = "241700434"
ELECTRICITY_SOURCE = "ore_residential_electricity"

Row = TypeVar("Row", bound="DataclassInstance")


@dataclass(frozen=True)
class Release:
    """The identity of the release."""

    release_id: str | None = None
    created_at: datetime | None = None
    code_version: str | None = None
    inputs_sha256: str | None = None
    origin: str | None = None


@dataclass(frozen=True)
class SourceStatus:
    """What became of a source in this release.

    `is_released` tells whether any table of the release is made from it.
    """

    source_id: str
    title: str | None
    producer: str | None
    licence: str | None
    homepage: str | None
    axis: int | None
    origin: str | None
    row_count: int | None
    quarantined_count: int | None
    collected_at: datetime | None
    data_changed_at: datetime | None
    freshness_days: int | None
    is_released: bool | None = None


@dataclass(frozen=True)
class LedgerRow:
    """A figure of the carbon ledger with everything it must be shown with."""

    area_name: str | None
    year: int | None
    sector: str | None
    activity: str | None
    activity_quantity: float | None
    activity_unit: str | None
    activity_source_id: str | None
    activity_state: str | None
    factor_value: float | None
    factor_unit: str | None
    factor_year: int | None
    factor_source: str | None
    factor_uncertainty_percent: float | None
    method: str | None
    result_tco2e: float | None
    result_low_tco2e: float | None
    result_high_tco2e: float | None
    result_state: str | None


@dataclass(frozen=True)
class Commune:
    """A commune of the agglomeration."""

    commune_code: str
    commune_name: str | None
    population_municipal: int | None
    population_year: int | None


@dataclass(frozen=True)
class StationStatus:
    """A bike station as last read."""

    station_id: str
    station_name: str | None
    latitude: float | None
    longitude: float | None
    capacity: int | None
    bikes_available: int | None
    docks_available: int | None
    is_installed: bool | None
    is_renting: bool | None
    last_reported_at: datetime | None
    feed_updated_at: datetime | None

    @property
    def in_service(self) -> bool:
        """Whether nothing says that the station is out of use."""
        return self.is_installed is not False and self.is_renting is not False

    @property
    def places(self) -> int | None:
        """Its capacity, or what it holds if the producer gives none."""
        if self.capacity or self.bikes_available is None:
            return self.capacity
        return self.bikes_available + (self.docks_available or 0) or None


@dataclass(frozen=True)
class _OutlineRow:
    commune_code: str
    commune_name: str | None
    geometry_geojson: str | None


@contextmanager
def opened(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yields a read-only connection that reaches no other file and no network."""
    connection = duckdb.connect(str(warehouse), read_only=True)
    try:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set enable_external_access = false")
        yield connection
    finally:
        connection.close()


def read_release(connection: duckdb.DuckDBPyConnection) -> Release:
    """The release's identity, blank if the release has none."""
    return next(iter(_read(connection, "meta.release", Release)), Release())


def read_sources(connection: duckdb.DuckDBPyConnection) -> list[SourceStatus]:
    """Every source by axis, then title."""
    return _read(connection, "meta.source_status", SourceStatus, "axis, title")


def read_ledger(connection: duckdb.DuckDBPyConnection) -> list[LedgerRow]:
    """The agglomeration's residential electricity, the figure to show first.

    Newest year first; of a year's methods, the one whose factor is nearest in time.
    """
    relation = connection.table("fct_carbon_ledger").filter(
        duckdb.ColumnExpression("area_code").cast("VARCHAR")
        == duckdb.ConstantExpression(EPCI_SIREN)
    )
    rows = _typed(
        relation.order("year desc, abs(factor_year - year), ledger_row_id"), LedgerRow
    )
    return [row for row in rows if row.activity_source_id == ELECTRICITY_SOURCE]


def read_communes(connection: duckdb.DuckDBPyConnection) -> list[Commune]:
    """The communes by name."""
    return _read(connection, "ref_commune", Commune, "commune_name")


def read_outlines(connection: duckdb.DuckDBPyConnection) -> list[Outline]:
    """The outlines of the communes, those without geometry left out."""
    rows = _read(connection, "ref_commune_outline", _OutlineRow, "commune_code")
    return [
        Outline(row.commune_code, row.commune_name or "", row.geometry_geojson)
        for row in rows
        if row.geometry_geojson
    ]


def read_stations(connection: duckdb.DuckDBPyConnection) -> list[StationStatus]:
    """The bike stations by name."""
    return _read(
        connection,
        "mart_bike_station_status",
        StationStatus,
        "station_name, station_id",
    )


def drawable(stations: Sequence[StationStatus]) -> list[Station]:
    """The stations that have a position, as the map wants them.

    Zero and zero is how feeds say that they do not know.
    """
    return [
        Station(
            name=item.station_name or item.station_id,
            longitude=item.longitude,
            latitude=item.latitude,
            capacity=item.places,
            bikes=item.bikes_available,
            in_service=item.in_service,
        )
        for item in stations
        if item.longitude is not None
        and item.latitude is not None
        and (item.longitude, item.latitude) != (0, 0)
    ]


def plain(value: Any) -> Any:
    """The value with clean text, decimals as floats, nothing infinite."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _read(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    row_type: type[Row],
    order: str = "",
) -> list[Row]:
    relation = connection.table(table)
    return _typed(relation.order(order) if order else relation, row_type)


def _typed(relation: duckdb.DuckDBPyRelation, row_type: type[Row]) -> list[Row]:
    names = [field.name for field in fields(row_type)]
    # Through Arrow: the other way out of DuckDB wants pytz for instants.
    frame: pl.DataFrame = relation.select(*names).pl()
    return [
        row_type(**{name: plain(value) for name, value in row.items()})
        for row in frame.iter_rows(named=True)
    ]
