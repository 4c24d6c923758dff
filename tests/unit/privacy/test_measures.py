"""k, l, t and risks, against their definitions and where other libraries are wrong."""

from __future__ import annotations

import math
from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtzc_pipelines.privacy.classes import combinations, leaf_keys
from lrtzc_pipelines.privacy.criteria import distances, pairs
from lrtzc_pipelines.privacy.hierarchies import of_values
from lrtzc_pipelines.privacy.measures import journalist, measure

PEOPLE = pl.DataFrame(
    {
        "area": ["A", "A", "A", "B", "B", "B"],
        "age": [30, 30, 30, 40, 40, 40],
        "illness": ["x", "x", "y", "x", "y", "z"],
    }
)


def test_k_is_the_smallest_class() -> None:
    risk = measure(PEOPLE, ["area"])
    assert (risk.k, risk.classes, risk.persons, risk.unique) == (3, 2, 6, 0)
    assert (risk.prosecutor, risk.marketer) == (
        pytest.approx(1 / 3),
        pytest.approx(1 / 3),
    )


def test_a_null_is_a_value_and_matches_nobody_else() -> None:
    frame = pl.DataFrame({"area": ["A"] * 5 + [None]})
    assert measure(frame, ["area"]).k == 1


def test_rows_that_were_left_out_before_do_not_matter() -> None:
    """A library that goes by row numbers says l is two here."""
    frame = pl.DataFrame(
        {
            "area": ["A", "B", "A", "B", "A", "B"],
            "illness": ["x", "x", "y", "x", "x", "x"],
        }
    )
    kept = frame.filter(pl.col("area") == "B")
    found = measure(kept, ["area"], sensitive=["illness"]).sensitive["illness"]
    assert (measure(kept, ["area"]).k, found.distinct) == (3, 1)


def test_trips_of_one_person_are_one_person() -> None:
    frame = pl.DataFrame({"area": ["A"] * 20, "who": ["p"] * 20})
    assert measure(frame, ["area"]).k == 20
    assert measure(frame, ["area"], subject="who").k == 1


def test_an_empty_table_gives_nothing_away() -> None:
    risk = measure(PEOPLE.clear(), ["area"], sensitive=["illness"])
    assert (risk.k, risk.prosecutor, risk.marketer) == (0, 0.0, 0.0)


def test_l_counts_values_and_their_entropy() -> None:
    found = measure(PEOPLE, ["area"], sensitive=["illness"]).sensitive["illness"]
    assert found.distinct == 2
    entropy = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))
    assert found.entropy == pytest.approx(math.exp(entropy))


def test_t_is_the_distance_to_everybody() -> None:
    found = measure(PEOPLE, ["area"], sensitive=["illness"]).sensitive["illness"]
    # A has (2/3, 1/3, 0) and B (1/3, 1/3, 1/3) of x, y, z; everybody (1/2, 1/3, 1/6).
    assert found.distance == pytest.approx(1 / 6)


def test_numbers_are_as_far_apart_as_the_steps_between_them() -> None:
    frame = pl.DataFrame({"area": list("AAABBB"), "income": [1, 2, 3, 7, 8, 9]})
    found = measure(frame, ["area"], sensitive=["income"]).sensitive["income"]
    # Cumulated: A 1/3 2/3 1 1 1, all 1/6 1/3 1/2 2/3 5/6; differences sum to 3/2 of 5.
    assert found.distance == pytest.approx(0.3)


def test_a_filtered_table_is_measured_as_it_stands() -> None:
    frame = pl.DataFrame({"area": ["A", "A", "B", "B"], "v": ["x", "y", "z", "z"]})
    kept = frame.filter(pl.col("area") == "B")
    assert measure(kept, ["area"], sensitive=["v"]).sensitive["v"].distinct == 1


def test_a_population_hides_whoever_is_in_it() -> None:
    population = pl.DataFrame({"area": ["A"] * 100 + ["B"] * 4})
    assert journalist(PEOPLE, population, ["area"]) == pytest.approx(1 / 4)
    assert journalist(PEOPLE, population.clear(), ["area"]) == pytest.approx(1 / 3)


def test_a_population_of_fewer_than_the_rows_is_believed() -> None:
    population = pl.DataFrame({"area": ["A", "B"], "dwellings": [100, 2]})
    found = journalist(PEOPLE, population, ["area"], units="dwellings")
    assert found == pytest.approx(1 / 2)
    assert journalist(PEOPLE.clear(), population, ["area"], units="dwellings") == 0.0


tables = st.lists(
    st.tuples(
        st.none() | st.sampled_from("AB"),
        st.none() | st.integers(0, 2),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=30,
)


@settings(deadline=None)
@given(tables)
def test_measures_follow_their_definitions(
    rows: list[tuple[str | None, int | None, int]],
) -> None:
    frame = pl.DataFrame(
        rows, schema={"area": pl.String, "age": pl.Int64, "v": pl.Int64}, orient="row"
    ).with_columns(pl.col("v").cast(pl.String))
    risk = measure(frame, ["area", "age"], sensitive=["v"])
    classes = Counter(row[:2] for row in rows)
    overall = Counter(row[2] for row in rows)
    assert risk.k == min(classes.values())
    assert risk.classes == len(classes)
    distinct, entropies, apart = [], [], []
    for key, size in classes.items():
        own = Counter(row[2] for row in rows if row[:2] == key)
        shares = {value: n / size for value, n in own.items()}
        distinct.append(len(own))
        entropies.append(-sum(p * math.log(p) for p in shares.values()))
        apart.append(
            sum(abs(shares.get(v, 0) - n / len(rows)) for v, n in overall.items()) / 2
        )
    found = risk.sensitive["v"]
    assert found.distinct == min(distinct)
    assert found.entropy == pytest.approx(math.exp(min(entropies)))
    assert found.distance == pytest.approx(max(apart), abs=1e-9)


@settings(deadline=None)
@given(tables, st.booleans())
def test_the_search_measures_distances_as_the_table_does(
    rows: list[tuple[str | None, int | None, int]],
    ordered: bool,  # noqa: FBT001 - drawn
) -> None:
    frame = pl.DataFrame(
        rows, schema={"area": pl.String, "age": pl.Int64, "v": pl.Int64}, orient="row"
    )
    hierarchies = [of_values(name, frame[name], []) for name in ("area", "age")]
    keys = leaf_keys(hierarchies, [h.encode(frame[h.column]) for h in hierarchies])
    found = combinations(hierarchies, keys)
    place = pl.Series(keys).rank("dense").cast(pl.Int64).to_numpy() - 1
    codes = frame["v"].rank("dense").cast(pl.Int64).to_numpy() - 1
    values = pairs(place, codes, int(codes.max()) + 1, ordered=ordered)
    apart = distances(values, pl.Series(range(found.count)).to_numpy(), found.count)
    kind = pl.Int64 if ordered else pl.String
    measured = measure(
        frame.with_columns(pl.col("v").cast(kind)), ["area", "age"], sensitive=["v"]
    )
    assert apart.max() == pytest.approx(measured.sensitive["v"].distance, abs=1e-9)
