"""Making a sparse tier out of rich surfaces: which points no method is ever shown."""

import numpy as np
import polars as pl

from ivyspt.columns import TIERED_POINTS, check
from ivyspt.config import Thinning
from ivyspt.generators import generator_of


def thin(points: pl.DataFrame, tiers: pl.DataFrame, thinning: Thinning) -> pl.DataFrame:
    """Keep the tiers' symbols and mark, once and for good, which points of the sparse tier are visible.

    Parameters
    ----------
    points, tiers : polars.DataFrame
        Tables POINTS and TIERS.
    thinning : Thinning
        At most `max_points` points of a sparse surface stay visible: whole mask groups, drawn at random by the seed
        and the surface, whatever the order of rows.

    Returns
    -------
    polars.DataFrame
        Table TIERED_POINTS; hidden points have `visible` false and serve as targets of evaluation alone.
    """
    tiered = points.join(tiers.select("symbol", "tier"), on="symbol").filter(pl.col("tier") != "unused")
    tiered = tiered.sort("quote_time", "symbol", "point")
    visible = np.ones(tiered.height, dtype=bool)
    if thinning.max_points is not None:
        rows = tiered.with_row_index("row").filter(pl.col("tier") == "sparse")
        for (surface_id,), surface in rows.group_by("surface_id", maintain_order=True):
            generator = generator_of(thinning.seed, "thinning", surface_id)
            groups = surface["mask_group"].to_numpy()
            visible[surface["row"].to_numpy()] = draw_groups(groups, thinning.max_points, generator)
    return check(tiered.with_columns(pl.Series("visible", visible)), TIERED_POINTS, "thinned points")


def draw_groups(groups: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """Draw whole groups at random until `count` points are taken, passing over a group that would exceed it.

    Parameters
    ----------
    groups : array of int, shape (point,)
        Group of each point.
    count : int
        How many points to take.
    generator : numpy.random.Generator
        Draws the order in which groups are tried.

    Returns
    -------
    array of bool, shape (point,)
        Which points are taken: `count` of them, or fewer where no group fits any more.
    """
    _, group, size = np.unique(groups, return_inverse=True, return_counts=True)
    taken = np.zeros(len(size), dtype=bool)
    left = count
    for candidate in generator.permutation(len(size)):
        if size[candidate] <= left:
            taken[candidate] = True
            left -= size[candidate]
    return taken[group]
