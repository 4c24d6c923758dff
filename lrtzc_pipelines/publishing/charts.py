"""Geometry of the page's charts: scales, broken lines, ticks, panels.

Numbers come in, coordinates and accessible descriptions go out; the templates draw
them. A missing value breaks the line: two measurements are never joined across a gap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lrtzc_pipelines.publishing.site_calendar import Bucket, ticks
from lrtzc_pipelines.publishing.site_text import (
    counted,
    exact,
    percent,
    quantity,
)

LABEL_HALF_WIDTH = 34.0


@dataclass(frozen=True)
class Scale:
    """A linear scale from data to drawing units."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where the value is drawn; values out of the domain stay on its edge."""
        span = self.high - self.low
        share = (value - self.low) / span if span else 0.5
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)


@dataclass(frozen=True)
class Tick:
    """A labelled position on an axis."""

    at: float
    label: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Line:
    """A line of a panel; `style` is a CSS class that also sets its dashes."""

    path: str
    style: str


@dataclass(frozen=True)
class Panel:
    """One drawn chart, with what a screen reader says of it."""

    title: str
    description: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: float = 400
    height: float = 170
    left: float = 46
    right: float = 392
    top: float = 12
    bottom: float = 142

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(line.path for line in self.lines)


@dataclass(frozen=True)
class IntervalBar:
    """A result between its bounds, on an axis that begins at zero."""

    title: str
    description: str
    low: Tick
    result: Tick
    high: Tick
    ticks: tuple[Tick, ...]
    width: float = 400
    height: float = 78


def coordinate(value: float) -> str:
    """The coordinate with one decimal at most: finer is invisible and heavier."""
    return f"{round(value, 1) + 0.0:g}"


def line_path(points: Iterable[tuple[int, float | None]], x: Scale, y: Scale) -> str:
    """The path through the points, in order, broken wherever an index is missing."""
    parts: list[str] = []
    previous: int | None = None
    lone = False
    for index, value in points:
        if value is None:
            continue
        place = f"{coordinate(x(index))} {coordinate(y(value))}"
        if previous is not None and index == previous + 1:
            parts.append(f"L{place}")
            lone = False
        else:
            # A round cap shows a point without neighbours, if its segment exists.
            parts.extend(["h0"] if lone else [])
            parts.append(f"M{place}")
            lone = True
        previous = index
    return "".join([*parts, "h0"] if lone else parts)


def history_panel(
    title: str,
    points: Sequence[tuple[int, float]],
    bucket: Bucket,
    extent: tuple[int, int],
) -> Panel:
    """The panel of one car park's occupancy over time."""
    x = Scale(*extent, Panel.left, Panel.right)
    y = Scale(0, 1, Panel.bottom, Panel.top)
    marks = [(x(at), label) for at, label in ticks(bucket, *extent)]
    return Panel(
        title=title,
        description=_describe_history(points, bucket),
        lines=(Line(line_path(points, x, y), "series-1"),),
        x_ticks=tuple(Tick(at, label, _anchor(at)) for at, label in marks),
        y_ticks=_share_ticks(y),
    )


def profile_panel(
    title: str, profiles: Mapping[str, tuple[str, Sequence[float | None]]]
) -> Panel:
    """The panel of a mean day: one line per kind of day, by CSS class."""
    x = Scale(0, 23, Panel.left, Panel.right)
    y = Scale(0, 1, Panel.bottom, Panel.top)
    return Panel(
        title=title,
        description=" ".join(
            _describe_profile(label, values) for label, values in profiles.values()
        ),
        lines=tuple(
            Line(line_path(enumerate(values), x, y), style)
            for style, (_, values) in profiles.items()
        ),
        x_ticks=tuple(
            Tick(x(hour), f"{hour}\u00a0h", _anchor(x(hour))) for hour in (0, 6, 12, 18)
        ),
        y_ticks=_share_ticks(y),
    )


def interval_bar(
    title: str, low: float, result: float, high: float, unit: str
) -> IntervalBar:
    """The bar of a result and its interval."""
    x = Scale(0, max(high, result) * 1.25 or 1, 8, 392)
    return IntervalBar(
        title=title,
        description=(
            f"{quantity(result)} {unit}, intervalle de {quantity(low)} "
            f"à {quantity(high)} {unit} ; l'axe commence à zéro."
        ),
        low=Tick(x(low), quantity(low)),
        result=Tick(x(result), quantity(result)),
        high=Tick(x(high), quantity(high)),
        ticks=tuple(
            Tick(x(mark), exact(mark), _anchor(x(mark)))
            for mark in _round_marks(x.high)
        ),
    )


def _round_marks(most: float) -> list[float]:
    """Zero and two to five round values up to `most`."""
    power = 10.0 ** math.floor(math.log10(most))
    step = next(step for step in (0.2, 0.5, 1.0, 2.0) if most / (step * power) < 6)  # noqa: PLR2004 - most marks
    return [step * power * rank for rank in range(int(most / (step * power)) + 1)]


def _anchor(at: float) -> str:
    """Labels near an edge lean inwards so that they are not cut."""
    if at > Panel.width - LABEL_HALF_WIDTH:
        return "end"
    return "start" if at < LABEL_HALF_WIDTH else "middle"


def _share_ticks(y: Scale) -> tuple[Tick, ...]:
    return tuple(Tick(y(share), percent(share), "end") for share in (0, 0.5, 1))


def _describe_history(points: Sequence[tuple[int, float]], bucket: Bucket) -> str:
    if not points:
        return "Aucune mesure suffisante sur la période."
    shares = [share for _, share in points]
    return (
        f"{counted(len(points), 'moyenne')} par {bucket.noun} ; la première : "
        f"{bucket.label(points[0][0])}, la dernière : {bucket.label(points[-1][0])}. "
        f"{percent(min(shares))} au plus bas, {percent(sum(shares) / len(shares))} en "
        f"moyenne, {percent(max(shares))} au plus haut."
    )


def _describe_profile(label: str, values: Sequence[float | None]) -> str:
    known = [(share, hour) for hour, share in enumerate(values) if share is not None]
    if not known:
        return f"{label} : aucune mesure."
    (low, low_hour), (high, high_hour) = min(known), max(known)
    return (
        f"{label} : de {percent(low)} vers {low_hour} h "
        f"à {percent(high)} vers {high_hour} h."
    )
