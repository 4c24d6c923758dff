"""What an index comes to in each zone: mean, spread, quantiles, and how much was seen.

Every figure counts a cell by the share of it that is in the zone. Cells under clouds
count in none but the share that was seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from lrtzc_pipelines.imagery.coverage import Weights
from lrtzc_pipelines.imagery.rasters import Flags, Floats

QUANTILES = (0.1, 0.5, 0.9)
_BINS = 20_000
"""Bins of quantiles, over -1 to 1: as fine as stored numbers are."""

Sums = npt.NDArray[np.float64]


def zonal(
    values: Floats,
    seen: Flags,
    weights: Weights,
    quantiles: Sequence[float] = QUANTILES,
) -> pl.DataFrame:
    """An index in each zone.

    Args:
        values: The index in each cell of the grid, -1 to 1; NaN where there is none.
        seen: Which cells show the ground.
        weights: The cells of each zone.
        quantiles: Which quantiles, to within 0.00005.

    Returns:
        A row per zone: `zone`, `mean`, `std`, `q10`… (null where nothing was seen),
        `clear_share` (0 to 1), `clear_ha`.
    """
    own = values.ravel()[weights.cell].astype(np.float64)
    is_seen = seen.ravel()[weights.cell] & ~np.isnan(own)
    share = np.where(is_seen, weights.share, 0.0)
    own = np.where(is_seen, own, 0.0)
    area = weights.total(share)
    mean = _over(weights.total(share * own), area)
    apart = own - np.nan_to_num(mean)[weights.zone]
    spread = np.sqrt(_over(weights.total(share * apart**2), area))
    hectare = weights.grid.size**2 / 10_000
    return pl.DataFrame(
        {
            "zone": weights.zones,
            "mean": mean,
            "std": spread,
            **_quantiles(own, share, weights, quantiles),
            "clear_share": _over(area, weights.total(weights.share)),
            "clear_ha": area * hectare,
        }
    ).with_columns(pl.exclude("zone").fill_nan(None))


def _quantiles(
    own: Sums, share: Sums, weights: Weights, quantiles: Sequence[float]
) -> dict[str, Sums]:
    """Values below which some shares of each zone's area are."""
    if not quantiles:
        return {}
    width = 2 / _BINS
    bins = np.clip(((own + 1) / width).astype(np.int64), 0, _BINS - 1)
    count = len(weights.zones)
    areas = np.bincount(weights.zone * _BINS + bins, share, minlength=count * _BINS)
    reached = np.cumsum(areas.reshape(count, _BINS), axis=1)
    total = reached[:, -1:]
    found = {}
    for quantile in quantiles:
        place = (reached < quantile * total).sum(axis=1)
        middle = -1 + (place + 0.5) * width
        found[f"q{round(quantile * 100)}"] = np.where(total[:, 0] > 0, middle, np.nan)
    return found


def _over(amount: Sums, whole: Sums) -> Sums:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, amount / whole, np.nan)
