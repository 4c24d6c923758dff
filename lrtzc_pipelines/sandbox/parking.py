"""The invented history of the car parks, with the faults the real one has.

Real are the six car parks: their numbers, capacities and changes of name. Every count
is invented. How the rows are shuffled into pages is `disorder`'s work.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from lrtzc_pipelines.sandbox.disorder import (
    Integers,
    Pages,
    draw_pages,
    served_rows,
)
from lrtzc_pipelines.sandbox.draws import AS_OF, chances, generator

Floats = npt.NDArray[np.float64]

NAMELESS_ROWS = 36
OVERFULL_ROWS = 40
_PAGES = 53
_LAST_PAGE_ROWS = 2_610
_ROUND_SECONDS = 300
_ROUNDS_BEFORE_RENAMING = 9_000
_FIRST_ID = 5_200_001
_TIMEZONE = "Europe/Paris"
_SATURDAY = 6
_SUMMER = (7, 8)


class Park(NamedTuple):
    """A car park and how it fills, in shares of its spaces.

    Attributes:
        number: Its number in the service.
        name: Name shown today.
        former_name: Name shown in the first weeks of the series.
        spaces: Capacity.
        night: Share taken at the quietest hour.
        noon: Added around 11:30.
        evening: Added around 20:30.
        weekend: Factor applied to noon and evening on Saturdays and Sundays.
        summer: Factor applied to noon and evening in July and August.
    """

    number: int
    name: str
    former_name: str
    spaces: int
    night: float
    noon: float
    evening: float
    weekend: float
    summer: float


PARKS = (
    Park(4, "ENCAN", "ENCAN", 430, 0.07, 0.52, 0.14, 0.55, 0.95),
    Park(5, "VIEUX PORT OUEST", "ST JEAN D'ACRE", 430, 0.16, 0.34, 0.34, 1.3, 1.2),
    Park(21, "PORT NEUF", "PORT NEUF", 172, 0.02, 0.16, 0.03, 0.6, 1.6),
    Park(20, "MAUBEC", "MAUBEC", 241, 0.20, 0.56, 0.22, 1.05, 1.05),
    Park(16, "VERDUN", "VERDUN", 567, 0.24, 0.50, 0.13, 1.1, 1.05),
    Park(17, "VIEUX PORT SUD", "VIEUX PORT", 611, 0.12, 0.30, 0.30, 1.35, 1.25),
)


def history(seed: int) -> pl.DataFrame:
    """Every row of `disponibilite_parking_historique`, in the order it is served."""
    rng = generator(seed, "parking")
    pages = draw_pages(rng, _PAGES, _LAST_PAGE_ROWS)
    measurements = _with_faults(rng, _measurements(rng, pages))
    served = measurements.drop("round", "park", "hour", "weekday", "month")
    return served[served_rows(rng, pages)]


def _measurements(rng: np.random.Generator, pages: Pages) -> pl.DataFrame:
    """Every measurement once, oldest first, before anything goes wrong."""
    frame = _moments(rng, pages)
    park = frame["park"].to_numpy()
    spaces = np.array([p.spaces for p in PARKS])[park]
    free = np.rint(spaces * (1.0 - _occupancy(rng, frame))).astype(np.int64)
    names = [(p.former_name, p.name) for p in PARKS]
    renamed = (frame["round"].to_numpy() >= _ROUNDS_BEFORE_RENAMING).astype(np.int64)
    return frame.with_columns(
        dp_parc_id=np.array([p.number for p in PARKS])[park],
        dp_libelle=pl.Series(np.array(names)[park, renamed]),
        dp_date=pl.col("local").dt.to_string("%Y-%m-%d %H:%M:%S"),
        dp_nb_places=spaces,
        dp_place_disponible=free,
    ).drop("local")


def _moments(rng: np.random.Generator, pages: Pages) -> pl.DataFrame:
    """Identifier and instant of every measurement: one park after another, in rounds.

    Hours are missing between most pages, from the ids as from the clock.
    """
    sizes = pages.sizes_in_time
    rows: Integers = np.arange(sizes.sum())
    rounds, park = np.divmod(rows, len(PARKS))
    hours = rng.uniform(1.5, 11.0, len(sizes)) * chances(rng, 0.8, len(sizes))
    hours[0] = 0.0
    skipped = (hours.cumsum() * 3600).astype(np.int64).repeat(sizes)
    seconds = rounds * _ROUND_SECONDS + skipped
    jitter = rng.integers(0, 20, len(rows)) + 4 * park
    shift = (seconds - seconds[-1] + jitter - 60) * 1_000_000
    local = (
        pl.lit(AS_OF) + pl.Series(shift).cast(pl.Duration("us"))
    ).dt.convert_time_zone(_TIMEZONE)
    return pl.select(
        dp_id=_FIRST_ID + rows + skipped // _ROUND_SECONDS * len(PARKS),
        park=pl.Series(park),
        round=pl.Series(rounds),
        local=local,
    ).with_columns(
        hour=pl.col("local").dt.hour() + pl.col("local").dt.minute() / 60,
        weekday=pl.col("local").dt.weekday(),
        month=pl.col("local").dt.month(),
    )


def _occupancy(rng: np.random.Generator, frame: pl.DataFrame) -> Floats:
    """Share of spaces taken: a day, a week and a season, with a slow noise."""
    park, rounds = frame["park"].to_numpy(), frame["round"].to_numpy()
    hour = frame["hour"].to_numpy()
    shape = np.array([p[4:] for p in PARKS], dtype=np.float64)[park]
    night, noon, evening, weekend, summer = shape.T
    busy = noon * _bump(hour, 11.5, 2.6) + 0.8 * noon * _bump(hour, 16.0, 2.2)
    busy = busy + evening * _bump(hour, 20.5, 1.8)
    busy = busy * np.where(frame["weekday"].to_numpy() >= _SATURDAY, weekend, 1.0)
    busy = busy * np.where(np.isin(frame["month"].to_numpy(), _SUMMER), summer, 1.0)
    noise = _slow_noise(rng, int(rounds[-1]) + 1)[rounds, park]
    occupancy: Floats = np.clip((night + busy) * (1.0 + noise), 0.0, 0.995)
    return occupancy


def _bump(hour: Floats, centre: float, width: float) -> Floats:
    bump: Floats = np.exp(-(((hour - centre) / width) ** 2))
    return bump


def _slow_noise(rng: np.random.Generator, rounds: int) -> Floats:
    """Noise per round and park that wanders over hours, within about 10 %."""
    kernel = np.exp(-np.arange(90) / 30.0)
    kernel *= 0.1 / np.sqrt((kernel**2).sum())
    white = rng.standard_normal((rounds + len(kernel) - 1, len(PARKS)))
    columns = [np.convolve(column, kernel, mode="valid") for column in white.T]
    return np.stack(columns, axis=1)


def _with_faults(rng: np.random.Generator, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with a stuck counter that exceeds the capacity and nameless rows."""
    middle = int(rng.integers(frame.height // 3, frame.height // 2))
    first_round = frame["round"][middle]
    stuck = (pl.col("park") == 0) & pl.col("round").is_between(
        first_round, first_round + OVERFULL_ROWS - 1
    )
    start = int(rng.integers(frame.height // 2, frame.height - 2_000))
    lost = start + rng.choice(1_500, NAMELESS_ROWS, replace=False)
    nameless = pl.col("dp_id").is_in(frame["dp_id"][lost].to_list())
    too_many = PARKS[0].spaces + int(rng.integers(5, 40))
    return frame.with_columns(
        dp_place_disponible=pl.when(stuck)
        .then(too_many)
        .otherwise("dp_place_disponible"),
        dp_parc_id=pl.when(nameless).then(0).otherwise("dp_parc_id"),
        dp_libelle=pl.when(nameless).then(pl.lit("")).otherwise("dp_libelle"),
        dp_nb_places=pl.when(nameless).then(None).otherwise("dp_nb_places"),
    )
