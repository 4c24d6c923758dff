"""Geometry of the charts."""

from __future__ import annotations

import pytest

from lrtzc_pipelines.publishing.charts import (
    Panel,
    Scale,
    coordinate,
    history_panel,
    interval_bar,
    line_path,
    profile_panel,
)
from lrtzc_pipelines.publishing.site_calendar import Bucket

X = Scale(0, 10, 0, 100)
Y = Scale(0, 1, 100, 0)


def test_consecutive_points_are_joined() -> None:
    assert line_path([(0, 0.0), (1, 0.5), (2, 1.0)], X, Y) == "M0 100L10 50L20 0"


def test_missing_index_breaks_the_line() -> None:
    path = line_path([(0, 0.5), (1, 0.5), (3, 0.5), (4, 0.5)], X, Y)
    assert path == "M0 50L10 50M30 50L40 50"


def test_missing_value_breaks_the_line() -> None:
    path = line_path([(0, 0.5), (1, 0.5), (2, None), (3, 0.5), (4, 0.5)], X, Y)
    assert path == "M0 50L10 50M30 50L40 50"


@pytest.mark.parametrize(
    ("indexes", "expected"),
    [
        ([3], "M30 50h0"),
        ([0, 3], "M0 50h0M30 50h0"),
        ([0, 3, 4], "M0 50h0M30 50L40 50"),
        ([0, 1, 3], "M0 50L10 50M30 50h0"),
    ],
)
def test_point_without_neighbours_stays_visible(
    indexes: list[int], expected: str
) -> None:
    assert line_path([(index, 0.5) for index in indexes], X, Y) == expected


def test_no_point_makes_no_path() -> None:
    assert line_path([], X, Y) == ""


@pytest.mark.parametrize(("value", "expected"), [(-1, 100), (2, 0), (0.25, 75)])
def test_scale_keeps_to_its_range(value: float, expected: float) -> None:
    assert Y(value) == expected


def test_scale_without_extent_is_drawn_in_the_middle() -> None:
    assert Scale(5, 5, 0, 100)(5) == 50


@pytest.mark.parametrize(
    ("value", "expected"), [(1.0, "1"), (1.25, "1.2"), (-0.04, "0"), (10.96, "11")]
)
def test_coordinates_are_short(value: float, expected: str) -> None:
    assert coordinate(value) == expected


def test_history_panel_describes_its_extremes_and_mean() -> None:
    panel = history_panel("P", [(20000, 0.2), (20001, 0.4)], Bucket.DAY, (20000, 20001))
    assert "20\u202f% au plus bas" in panel.description
    assert "30\u202f% en moyenne" in panel.description
    assert "40\u202f% au plus haut" in panel.description


def test_history_panel_without_points_is_empty() -> None:
    panel = history_panel("P", [], Bucket.DAY, (0, 10))
    assert panel.is_empty
    assert panel.description == "Aucune mesure suffisante sur la période."


def test_history_panel_of_one_bucket_has_a_visible_point() -> None:
    panel = history_panel("P", [(20000, 0.5)], Bucket.DAY, (20000, 20000))
    assert panel.lines[0].path.endswith("h0")


def test_marks_of_the_time_axis_are_within_the_panel() -> None:
    panel = history_panel("P", [(16000, 0.5)], Bucket.DAY, (16000, 16700))
    assert panel.x_ticks
    assert all(Panel.left <= tick.at <= Panel.right for tick in panel.x_ticks)


def test_profile_panel_draws_one_line_per_kind_of_day() -> None:
    hours: list[float | None] = [0.1] * 24
    panel = profile_panel("P", {"series-1": ("Lundi", hours), "series-2": ("X", hours)})
    assert [line.style for line in panel.lines] == ["series-1", "series-2"]


def test_profile_panel_leaves_an_unmeasured_hour_open() -> None:
    hours: list[float | None] = [0.5] * 24
    hours[12] = None
    panel = profile_panel("P", {"series-1": ("Lundi", hours)})
    assert panel.lines[0].path.count("M") == 2


def test_profile_without_any_hour_says_so() -> None:
    panel = profile_panel("P", {"series-1": ("Samedi", [None] * 24)})
    assert panel.is_empty
    assert panel.description == "Samedi : aucune mesure."


@pytest.mark.parametrize("size", [0.004, 0.7, 9.0, 99.0, 22970.0, 3.6e9])
def test_interval_bar_begins_at_zero_and_holds_its_ends(size: float) -> None:
    bar = interval_bar("T", size * 0.9, size, size * 1.1, "t")
    assert bar.ticks[0].label == "0"
    assert bar.low.at < bar.result.at < bar.high.at <= bar.width
    assert 2 <= len(bar.ticks) <= 7


def test_interval_bar_of_nothing_does_not_divide_by_zero() -> None:
    assert interval_bar("T", 0, 0, 0, "t").result.at == 8
