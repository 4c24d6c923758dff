"""How many points are enough to single somebody out."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtzc_pipelines.privacy.unicity import unicity


def frame(rows: list[tuple[str, str | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["who", "where"], orient="row")


def test_who_goes_where_nobody_else_does_is_found_by_one_point() -> None:
    rows = frame([("a", "x"), ("b", "y"), ("c", "y"), ("b", "y")])
    assert unicity(rows, "who", ["where"], points=[1]) == {1: 0.3333}


def test_two_points_tell_more_than_one() -> None:
    pairs = [("a", "xy"), ("b", "yz"), ("c", "xz")]
    rows = frame([(who, place) for who, places in pairs for place in places])
    assert unicity(rows, "who", ["where"], points=[1, 2]) == {1: 0.0, 2: 1.0}


def test_those_who_are_all_alike_are_never_found() -> None:
    rows = frame([(who, place) for who in "abcd" for place in "wxyz"])
    assert unicity(rows, "who", ["where"]) == {1: 0.0, 2: 0.0, 4: 0.0}


def test_nobody_has_four_points_of_three() -> None:
    rows = frame([(who, place) for who in "ab" for place in "xyz"])
    assert set(unicity(rows, "who", ["where"])) == {1, 2}


def test_a_null_is_a_place_like_any_other() -> None:
    rows = frame([("a", None), ("b", "x"), ("c", "x")])
    assert unicity(rows, "who", ["where"], points=[1]) == {1: 0.3333}


def test_nothing_tells_nothing() -> None:
    assert unicity(frame([]), "who", ["where"]) == {}


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from("uvwxyz")), min_size=1
    )
)
def test_one_point_is_counted_as_by_hand(rows: list[tuple[str, str]]) -> None:
    """With all persons drawn, a person of unique places only is always found."""
    found = unicity(frame(rows), "who", ["where"], points=[1])[1]
    owners = {place: {w for w, p in rows if p == place} for _, place in rows}
    people = {who for who, _ in rows}
    surely = sum(all(len(owners[p]) == 1 for w, p in rows if w == x) for x in people)
    maybe = sum(any(len(owners[p]) == 1 for w, p in rows if w == x) for x in people)
    assert surely / len(people) - 1e-3 <= found <= maybe / len(people) + 1e-3


def test_minutes_single_out_more_than_days() -> None:
    rng = np.random.default_rng(1)
    rows = pl.DataFrame(
        {
            "who": rng.integers(400, size=12_000),
            "station": rng.integers(12, size=12_000),
            "minute": rng.integers(60 * 24 * 30, size=12_000),
        }
    ).with_columns(
        (pl.col("minute") // 60).alias("hour"), (pl.col("minute") // 1440).alias("day")
    )
    shares = [
        unicity(rows, "who", ["station", when], points=[2])[2]
        for when in ("minute", "hour", "day")
    ]
    assert shares[0] > shares[1] > shares[2]
