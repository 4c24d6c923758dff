"""Takes: both engines take the same of every value, and coarser never splits finer."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import combinations, pairwise
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from lrtzc_pipelines.privacy.audit_takes import ZONE, taken
from lrtzc_pipelines.privacy.code_tables import code_table
from lrtzc_pipelines.privacy.grid import with_points
from lrtzc_pipelines.privacy.taking import take, unknown_code_share
from lrtzc_pipelines.sources.registry import load_sources
from lrtzc_pipelines.sources.sides import Point
from lrtzc_pipelines.sources.takes import nests

TRIPS = load_sources()["partner_mobility_trips"]
WASTE = load_sources()["valorisation_company_waste"]
PLACE = Point(
    name="point", longitude="longitude", latitude="latitude", description="Un lieu."
)
POINT = pl.Struct({"longitude": pl.Float64, "latitude": pl.Float64})
SPRING, AUTUMN = datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)

MOMENTS = ["value", "5m", "10m", "15m", "30m", "1h", "hour_of_day", "day_type"]
MOMENTS += ["1d", "1w", "1mo", "2mo", "3mo", "6mo", "1y", "all"]
DAYS = ["value", "1d", "1w", "1mo", "3mo", "1y", "all"]
CODES = ["value", "first:9", "first:7", "first:5", "first:2", "all"]
CODES += [f"lookup:iris:{level}" for level in ("large_quarter", "commune", "epci")]
CODES += [f"lookup:naf_2008:{level}" for level in ("division", "section")]
CODES += [f"lookup:construction_periods:{level}" for level in ("era", "side_of_1975")]
NUMBERS = ["value", "below:3,6,9,12,36", "below:6,36", "below:-1.5,0,40.25", "all"]
NUMBERS += ["up_to:3,6,9,12,36", "up_to:6,36"]
GRIDS = [f"grid:{size}" for size in (200, 400, 1000, 2000)]

near_a_change = st.builds(
    lambda change, minutes: change + timedelta(minutes=minutes),
    st.sampled_from([SPRING, AUTUMN]),
    st.integers(-180, 300),
)
moments = st.one_of(
    st.none(),
    near_a_change,
    st.builds(
        lambda seconds: datetime(1971, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds),
        st.integers(0, 119 * 365 * 86_400),
    ),
)
days = st.none() | st.dates(date(1971, 1, 1), date(2090, 1, 1))
known = [
    code
    for name in ("iris", "naf_2008", "construction_periods")
    for row in code_table(name).rows
    for code in row.codes
]
codes = st.one_of(
    st.none(),
    st.sampled_from(["", "173000101", "173000102", "172740000", "17300", "Sans IRIS"]),
    st.builds(lambda code, end: code + end, st.sampled_from(known), st.text("0127.Z")),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
)
numbers = st.one_of(
    st.none(),
    st.sampled_from([3.0, 6.0, 9.0, 12.0, 36.0, 2.9999999, 36.0000001, -1.5, 0.0]),
    st.floats(allow_nan=True, allow_infinity=True),
)
OF_GRID = Transformer.from_crs("EPSG:3035", "EPSG:4258", always_xy=True)


def corner_of_square(east: int, north: int) -> dict[str, float]:
    """A point on the border of the squares around the city, to the last digit."""
    longitude, latitude = OF_GRID.transform(3_470_000 + east, 2_610_000 + north)
    return {"longitude": longitude, "latitude": latitude}


points = st.one_of(
    st.builds(corner_of_square, st.integers(0, 200).map(lambda n: n * 200), st.just(0)),
    st.builds(
        corner_of_square,
        st.integers(0, 40_000),
        st.integers(0, 200).map(lambda n: n * 200),
    ),
    st.fixed_dictionaries(
        {
            "longitude": st.none() | st.floats(-1.5, -0.8) | st.floats(),
            "latitude": st.none() | st.floats(45.9, 46.4) | st.floats(),
        }
    ),
)

KINDS: dict[str, tuple[str, pl.DataType, list[str]]] = {
    "moments": ("departed_at", pl.Datetime("us", "UTC"), MOMENTS),
    "codes": ("origin_commune_code", pl.String(), CODES),
    "numbers": ("number", pl.Float64(), NUMBERS),
    "points": ("point", POINT, [*GRIDS, "all"]),
}


def both(
    kind: str, values: list[Any], dtype: pl.DataType | None = None
) -> dict[str, tuple[list[Any], list[Any]]]:
    """What the engine and the audit take of some values, for every take."""
    column, own, takes = KINDS[kind]
    frame = pl.DataFrame({column: values}, schema={column: dtype or own})
    asked = frame
    if kind == "points":
        asked = with_points(frame.unnest(column), [PLACE])
    engine = asked.select(
        take(column, asked.schema[column], what).alias(what) for what in takes
    )
    with duckdb.connect() as connection:
        connection.execute(f"set TimeZone = '{ZONE}'")
        connection.register("validated", frame.to_arrow())
        told = taken(TRIPS, {what: (column, what) for what in takes})
        audit = connection.sql(f"select {told} from validated").fetchall()
    columns = list(zip(*audit, strict=True))
    return {
        what: (engine[what].to_list(), list(columns[n]))
        for n, what in enumerate(takes)
        if dtype is None or what != "value"
    }


def check(kind: str, values: list[Any]) -> None:
    found = both(kind, values)
    for what, (engine, audit) in found.items():
        if what != "value":
            assert engine == audit, what
        if what != "all" and kind != "points":
            lacking = [value is None for value in values]
            assert [label is None for label in engine] == lacking, what
    for finer, coarser in pairwise_that_nest(KINDS[kind][2]):
        groups: dict[Any, Any] = {}
        for fine, coarse in zip(found[finer][0], found[coarser][0], strict=True):
            assert groups.setdefault(repr(fine), coarse) == coarse, (finer, coarser)


def pairwise_that_nest(takes: list[str]) -> list[tuple[str, str]]:
    both_ways = [*combinations(takes, 2), *combinations(takes[::-1], 2)]
    return [(a, b) for a, b in both_ways if nests(a, b)]


@settings(deadline=None, max_examples=60)
@given(st.lists(moments, min_size=1, max_size=40))
def test_both_engines_take_the_same_of_moments(values: list[Any]) -> None:
    check("moments", values)


@settings(deadline=None, max_examples=60)
@given(st.lists(codes, min_size=1, max_size=40))
def test_both_engines_take_the_same_of_codes(values: list[Any]) -> None:
    check("codes", values)


@settings(deadline=None, max_examples=60)
@given(st.lists(numbers, min_size=1, max_size=40))
def test_both_engines_take_the_same_of_numbers(values: list[Any]) -> None:
    check("numbers", values)


@settings(deadline=None, max_examples=100)
@given(st.lists(points, min_size=1, max_size=40))
def test_both_engines_take_the_same_square_of_a_point(values: list[Any]) -> None:
    check("points", values)


@settings(deadline=None, max_examples=30)
@given(st.lists(days, min_size=1, max_size=40))
def test_both_engines_take_the_same_of_days(values: list[Any]) -> None:
    frame = pl.DataFrame({"month": values}, schema={"month": pl.Date})
    takes = [what for what in DAYS if what != "value"]
    engine = frame.select(take("month", pl.Date(), what).alias(what) for what in takes)
    with duckdb.connect() as connection:
        connection.register("validated", frame.to_arrow())
        told = taken(WASTE, {what: ("month", what) for what in takes})
        audit = connection.sql(f"select {told} from validated").fetchall()
    assert engine.rows() == audit


def squares_of(longitude: float, latitude: float) -> str:
    point = {"longitude": longitude, "latitude": latitude}
    return str(both("points", [point])["grid:200"][0][0])


def test_the_origin_of_the_grid_is_where_it_is_defined() -> None:
    assert squares_of(10, 52) == "CRS3035RES200mN3210000E4321000"


def test_a_point_on_a_border_is_in_the_square_east_and_north_of_it() -> None:
    on = corner_of_square(400, 600)
    assert squares_of(**on) == "CRS3035RES200mN2610600E3470400"
    # Ten centimetres west and south.
    longitude, latitude = OF_GRID.transform(3_470_399.9, 2_610_599.9)
    assert squares_of(longitude, latitude) == "CRS3035RES200mN2610400E3470200"


@pytest.mark.parametrize(
    ("longitude", "latitude", "square"),
    [(None, 46.1, None), (-1.1, None, None), (55.5, -20.9, "(autre)")],
)
def test_where_there_is_no_grid_there_is_no_square(
    longitude: float | None, latitude: float | None, square: str | None
) -> None:
    point = {"longitude": longitude, "latitude": latitude}
    engine, audit = both("points", [point])["grid:200"]
    assert engine == audit == [square]


@pytest.mark.parametrize(
    ("power", "label"),
    [(3, "<=3"), (3.1, ">3-6"), (36, ">12-36"), (36.1, ">36"), (None, None)],
)
def test_a_subscribed_power_is_in_the_bin_that_it_closes(
    power: float | None, label: str | None
) -> None:
    engine, audit = both("numbers", [power])["up_to:3,6,9,12,36"]
    assert engine == audit == [label]


@pytest.mark.parametrize(
    ("code", "what", "group"),
    [
        ("10.71C", "lookup:naf_2008:section", "C"),
        ("9900Z", "lookup:naf_2008:section", "U"),
        ("04.00Z", "lookup:naf_2008:section", "(autre)"),
        ("173000101", "lookup:iris:large_quarter", "1730001"),
        ("173000101", "lookup:iris:epci", "241700434"),
        ("Sans IRIS", "lookup:iris:commune", "(autre)"),
        ("2013-2021", "lookup:construction_periods:era", "depuis 2001"),
    ],
)
def test_a_code_has_its_group_or_is_told_to_have_none(
    code: str, what: str, group: str
) -> None:
    engine, audit = both("codes", [code])[what]
    assert engine == audit == [group]


def test_the_share_of_codes_that_no_table_knows_leaves_nulls_out() -> None:
    frame = pl.DataFrame({"code": ["17300", "79191", None, "99134"], "other": "x"})
    asked = [("code", ("lookup:iris:commune", "all")), ("other", ("value",))]
    assert unknown_code_share(frame, asked) == {"code": 0.5}
    assert unknown_code_share(frame.clear(), asked) == {"code": 0.0}
    assert unknown_code_share(frame.head(1), asked) == {"code": 0.0}


def test_a_share_does_not_tell_how_few_they_are() -> None:
    frame = pl.DataFrame({"code": ["17300"] * 2999 + ["99134"]})
    taken = [("code", ("lookup:iris:commune",))]
    assert unknown_code_share(frame, taken) == {"code": 0.0}


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (pl.String(), "hour_of_day"),
        (pl.Date(), "hour_of_day"),
        (pl.Float64(), "grid:1"),
    ],
)
def test_what_cannot_be_taken_of_a_type_is_refused(
    kind: pl.DataType, what: str
) -> None:
    with pytest.raises(ValueError, match="is taken of a"):
        take("c", kind, what)


def test_a_chain_of_squares_nests() -> None:
    assert all(
        nests(*pair) for pair in pairwise(["grid:200", "grid:1000", "grid:5000"])
    )
