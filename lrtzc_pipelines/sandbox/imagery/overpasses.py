"""Which scenes there are: a list of overpasses, with what real catalogues hold besides.

Some scenes are processed again and have a second name; the neighbouring tile shows the
south of the territory once more; some are withdrawn.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from lrtzc_pipelines.sandbox.draws import TODAY, chance, generator

TILE, NEIGHBOUR = "30TXS", "30TXR"
_EVERY = 5
_MADE_AFTER = timedelta(hours=5)
_PUBLISHED_AFTER = timedelta(minutes=70)
_AGAIN_AFTER = timedelta(days=40)
_OVER = (11, 6, 19)
_ORBIT = 137
_SPACE = uuid.UUID("8f0a6d5e-6b8a-4a3f-9c55-1a2b3c4d5e6f")


@dataclass(frozen=True)
class Overpass:
    """One product of one overpass.

    Attributes:
        id: Name of the product, without `.SAFE`.
        uuid: What hubs call it.
        tile: Tile of the military grid.
        sensed_at: UTC time of the overpass.
        published_at: UTC time since which it is listed.
        baseline: Processing version, such as `05.11`.
        cloud_share: How much of it is under clouds, 0 to 1.
        is_withdrawn: Whether it is listed no more, only among what was deleted.
    """

    id: str
    uuid: str
    tile: str
    sensed_at: datetime
    published_at: datetime
    baseline: str
    cloud_share: float
    is_withdrawn: bool = False


def overpasses(
    seed: int,
    *,
    days: int = 365,
    until: date = TODAY,
    tiles: tuple[str, ...] = (TILE, NEIGHBOUR),
) -> list[Overpass]:
    """The scenes of the days before one, by the time they were listed."""
    rng = generator(seed, "imagery")
    found = []
    first = until - timedelta(days=days)
    for number, day in enumerate(
        first + timedelta(days=n) for n in range(_EVERY - 1, days, _EVERY)
    ):
        cloud = float(np.clip(rng.beta(0.5, 0.6), 0.0, 0.99))
        again, withdrawn = chance(rng, 0.08), chance(rng, 0.02)
        for tile in tiles:
            one = _product(day, tile, "05.11", cloud, number)
            found.append(one)
            if again:
                found.append(_product(day, tile, "05.12", cloud, number))
            elif withdrawn:
                found[-1] = _withdrawn(one)
    return sorted(found, key=lambda each: (each.published_at, each.id))


def _product(
    day: date, tile: str, baseline: str, cloud: float, number: int
) -> Overpass:
    sensed = datetime(day.year, day.month, day.day, *_OVER, tzinfo=UTC)
    made = sensed + _MADE_AFTER + (_AGAIN_AFTER if baseline > "05.11" else timedelta())
    satellite = "BC"[number % 2]
    name = (
        f"S2{satellite}_MSIL2A_{sensed:%Y%m%dT%H%M%S}_N{baseline.replace('.', '')}"
        f"_R{_ORBIT}_T{tile}_{made:%Y%m%dT%H%M%S}"
    )
    return Overpass(
        id=name,
        uuid=str(uuid.uuid5(_SPACE, name)),
        tile=tile,
        sensed_at=sensed,
        published_at=made + _PUBLISHED_AFTER,
        baseline=baseline,
        cloud_share=round(cloud, 4),
    )


def _withdrawn(one: Overpass) -> Overpass:
    return Overpass(**{**one.__dict__, "is_withdrawn": True})
