"""How far points lie off the smile that their neighbours draw.

[1] Gasser, T., Sroka, L. & Jennen-Steinmetz, C. (1986). Residual variance and residual pattern in nonlinear regression.
    Biometrika 73(3), 625-633: residuals from a local fit to the neighbours, over sqrt(1 + the sum of its squared
    weights), have the variance of the noise where the curve is smooth at the scale of its points.
"""

import numpy as np
import polars as pl
from jaxtyping import Float

from ivyspt.surfaces.coverage import maturity_class

NEIGHBOURS = (-2, -1, 1, 2)  # places in the slice; a parabola has three parameters
MAD = 1.4826  # standard deviation of a normal sample over its median absolute value
MIN_RESIDUALS = 5  # a surface with fewer is not ranked
VOL_POINT = 0.01  # decimal vol
GOOD = 0.1  # quantile of the noise at which a surface stands as a good one


def neighbour_weights(offset: Float[np.ndarray, "point 4"]) -> Float[np.ndarray, "point 4"]:
    """Weights with which four neighbours at `offset` give the value at 0 of their least-squares parabola.

    The cubic's Lagrange weights less their part along the third divided difference d, which is what no parabola has:
    l - d (d . l) / (d . d). NaN or infinite where two neighbours stand at one place.
    """
    gaps = offset[:, :, None] - offset[:, None, :] + np.eye(4)
    with np.errstate(divide="ignore", invalid="ignore"):
        d = 1 / gaps.prod(axis=2)
        others = np.where(np.eye(4, dtype=bool), 1.0, -offset[:, None, :]).prod(axis=2)
        lagrange = others * d
        return lagrange - d * ((d * lagrange).sum(axis=1) / (d * d).sum(axis=1))[:, None]


def smile_residuals(points: pl.DataFrame) -> pl.DataFrame:
    """Each point's distance from its neighbours' parabola in log-moneyness: `points` (POINTS) with two more columns.

    `neighbour_vol` is the vol that the two neighbours to either side say, `residual` the point's vol less that, over
    sqrt(1 + the sum of squared weights) ([1]), in vol points. Both are null for the two points at either end of a
    slice, where the parabola would extrapolate, and where neighbours share a strike.
    """
    points = points.sort("surface_id", "time_to_maturity", "log_moneyness", "point")
    slice_of = points.select(pl.struct("surface_id", "time_to_maturity").rle_id()).to_series().to_numpy()
    k, vol = (points[name].to_numpy() for name in ("log_moneyness", "implied_vol"))
    inner = np.arange(2, points.height - 2)
    inner = inner[slice_of[inner - 2] == slice_of[inner + 2]]
    around = inner[:, None] + np.array(NEIGHBOURS)
    weights = neighbour_weights(k[around] - k[inner, None])
    said, residual = np.full(points.height, np.nan), np.full(points.height, np.nan)
    said[inner] = (weights * vol[around]).sum(axis=1)
    residual[inner] = (vol[inner] - said[inner]) / np.sqrt(1 + (weights**2).sum(axis=1)) / VOL_POINT
    return points.with_columns(
        neighbour_vol=pl.Series(said).fill_nan(None), residual=pl.Series(residual).fill_nan(None)
    )


def surface_noise(residuals: pl.DataFrame) -> pl.DataFrame:
    """One row a surface of `smile_residuals`, least noise first.

    `noise` is 1.4826 times the median absolute residual, in vol points: the standard deviation where noise is normal,
    and unmoved by a few stale quotes. Null, and last, with fewer than five residuals.
    """
    size = pl.col("residual").abs()
    counted = residuals.group_by("surface_id").agg(
        pl.col("symbol").first(),
        pl.col("quote_time").first().dt.date().alias("date"),
        pl.len().alias("points"),
        pl.col("residual").count().alias("residuals"),
        (MAD * size.median()).alias("noise"),
        size.max().alias("largest"),
    )
    enough = pl.col("residuals") >= MIN_RESIDUALS
    counted = counted.with_columns(noise=pl.when(enough).then("noise"))
    return counted.sort("noise", "surface_id", nulls_last=True)


def noise_of_surfaces(noise: pl.DataFrame, key: str) -> pl.DataFrame:
    """Quantiles over the surfaces of each `key` of their noise (`surface_noise`), in vol points.

    `surfaces` counts those that have a noise.
    """
    value = pl.col("noise")
    counted = noise.group_by(key).agg(
        value.count().alias("surfaces"),
        value.quantile(0.1, "linear").alias("q10"),
        value.median().alias("median"),
        value.quantile(0.9, "linear").alias("q90"),
        value.max().alias("most"),
    )
    return counted.sort(key)


def noise_by(residuals: pl.DataFrame, key: str) -> pl.DataFrame:
    """Noise of the points of each `key`, all surfaces together, in vol points.

    `noise` as in `surface_noise`; `q90` and `q99` quantiles of the absolute residual; `half_spread` the median of
    (ask - bid) / 2, null where nothing is bid and asked; `points` those with a residual.
    """
    size = pl.col("residual").abs()
    half_spread = (pl.col("implied_vol_ask") - pl.col("implied_vol_bid")) / 2 / VOL_POINT
    counted = (
        residuals.drop_nulls("residual")
        .group_by(key)
        .agg(
            pl.len().alias("points"),
            (MAD * size.median()).alias("noise"),
            size.quantile(0.9, "linear").alias("q90"),
            size.quantile(0.99, "linear").alias("q99"),
            half_spread.median().alias("half_spread"),
        )
    )
    return counted.sort(key)


def noise_by_maturity(residuals: pl.DataFrame) -> pl.DataFrame:
    """`noise_by` classes of time to maturity."""
    return noise_by(residuals.with_columns(maturity_class()), "maturity")


def example_surfaces(noise: pl.DataFrame) -> dict[str, str]:
    """Names of a `good` surface (a tenth are less noisy), a `typical` (the median) and the `worst` one.

    Empty where no surface has residuals enough; the lower of two stands for a quantile between them.
    """
    ranked = noise.drop_nulls("noise")["surface_id"].to_list()
    places = {"good": GOOD, "typical": 0.5, "worst": 1.0}
    return {name: ranked[int(place * (len(ranked) - 1))] for name, place in places.items()} if ranked else {}
