"""Takes of specifications: which are known, and which sequences tear cells apart."""

from __future__ import annotations

import pytest

from lrtzc_pipelines.sources.takes import check_nesting, check_take, tables_of


@pytest.mark.parametrize(
    "take",
    [
        "value",
        "all",
        "30m",
        "1h",
        "1d",
        "1w",
        "3mo",
        "1y",
        "hour_of_day",
        "day_type",
        "first:5",
        "below:3,6",
        "up_to:-1.5,36",
        "grid:200",
        "lookup:naf_2008:section",
    ],
)
def test_what_may_be_taken_is_known(take: str) -> None:
    assert check_take(take) == take


@pytest.mark.parametrize(
    "take",
    # Periods that drift: 7 minutes from hour to hour, 2 hours when clocks change.
    [
        "7m",
        "2h",
        "2d",
        "2w",
        "5mo",
        "2y",
        "0m",
        "below:6,3",
        "below:3,3",
        "grid:0",
        "grid:1.5",
        "first:0",
        "floor:3",
        "lookup:naf_2008:class",
        "lookup:nowhere:section",
        "lookup:naf_2008",
    ],
)
def test_what_may_not_be_taken_is_refused(take: str) -> None:
    with pytest.raises(
        ValueError, match=r"nothing that can be taken|no table of codes"
    ):
        check_take(take)


@pytest.mark.parametrize(
    "chain",
    [
        ["value", "30m", "1h", "1d", "1mo", "1y", "all"],
        ["10m", "1h", "hour_of_day", "all"],
        ["1d", "day_type"],
        ["1d", "1w"],
        ["grid:200", "grid:400", "grid:2000", "all"],
        ["first:9", "first:7", "first:5", "lookup:iris:epci"],
        ["value", "lookup:iris:large_quarter", "lookup:iris:commune"],
        ["first:2", "lookup:naf_2008:division", "lookup:naf_2008:section", "all"],
        ["below:40,80,120", "below:80"],
        ["up_to:3,6,36", "up_to:36"],
    ],
)
def test_a_chain_that_only_merges_is_taken(chain: list[str]) -> None:
    check_nesting(chain)


@pytest.mark.parametrize(
    ("chain", "reason"),
    [
        (["grid:200", "grid:400", "grid:1000"], "1000 m is no multiple of 400 m"),
        (["30m", "hour_of_day", "1d"], "1d tears apart what hour_of_day"),
        (["20m", "30m"], "30m tears apart what 20m"),
        (["1w", "1mo"], "1mo tears apart what 1w"),
        (["1mo", "1w"], "1w tears apart what 1mo"),
        (["1mo", "day_type"], "day_type tears apart what 1mo"),
        (["2mo", "3mo"], "3mo tears apart what 2mo"),
        (["first:5", "first:7"], "first:7 tears apart"),
        (["first:5", "lookup:iris:large_quarter"], "tears apart what first:5"),
        (["first:5", "lookup:construction_periods:era"], "tears apart what first:5"),
        (
            ["lookup:iris:epci", "lookup:iris:commune"],
            "lookup:iris:commune tears apart",
        ),
        (["lookup:iris:commune", "lookup:naf_2008:section"], "tears apart"),
        (["lookup:iris:commune", "first:2"], "first:2 tears apart"),
        (["below:40,80", "below:60"], "below:60 tears apart"),
        (["below:40,80", "up_to:80"], "up_to:80 tears apart"),
        (["all", "value"], "value tears apart what all"),
        (["day_type", "hour_of_day"], "hour_of_day tears apart"),
    ],
)
def test_a_chain_that_tears_cells_apart_is_refused(
    chain: list[str], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        check_nesting(chain)


def test_the_tables_that_takes_need_are_named() -> None:
    takes = ["value", "lookup:iris:epci", "lookup:naf_2008:section", "first:2"]
    assert tables_of([*takes, "lookup:iris:commune"]) == ["iris", "naf_2008"]
