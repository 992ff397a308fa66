"""Which points of a surface are shown (context) and which are asked for (targets).

Points are clustered over (log-moneyness, time to maturity) and masked cluster by cluster, as in the paper (Dynamic
Clustering and Masking). Points of one mask group are shown or hidden together.
"""

from collections.abc import Iterator
from math import ceil

import numpy as np
import polars as pl
from sklearn.cluster import KMeans

from ivyspt.batches import structured_masks
from ivyspt.columns import MASKS, DataError, Table, check
from ivyspt.config import Masking
from ivyspt.generators import generator_of
from ivyspt.mask_names import clustered
from ivyspt.surfaces.thinning import draw_groups


def cluster_column(proportion: float) -> str:
    """Name of the column that holds the clusters for a proportion."""
    return f"cluster_{proportion:g}"


def cluster_table(masking: Masking) -> Table:
    """The table of clusters: one row a visible point, one column `cluster_p` a masking proportion p."""
    columns = {cluster_column(proportion): pl.UInt32 for proportion in masking.proportions}
    return Table("clusters", {"surface_id": pl.String, "point": pl.UInt32, **columns}, ("surface_id", "point"))


def cluster_count(proportion: float) -> int:
    """⌈1/p⌉: at proportion p a cluster then holds about one masked point."""
    return ceil(1 / proportion - 1e-9)  # 1/0.1 and its like may exceed the integer by rounding


def cluster(log_moneyness: np.ndarray, time_to_maturity: np.ndarray, count: int, seed: int) -> np.ndarray:
    """KMeans clusters of a surface's points, each coordinate standardised over the surface.

    Parameters
    ----------
    log_moneyness, time_to_maturity : array, shape (point,)
        In any order: a point's cluster does not depend on where it stands.
    count : int
        Clusters; fewer where there are fewer distinct points.
    seed : int
        Of the initial centres.

    Returns
    -------
    array of uint32, shape (point,)
        Cluster of each point, numbered in the order of (time to maturity, log-moneyness) of its first point.
    """
    order = np.lexsort((log_moneyness, time_to_maturity))
    coordinates = np.column_stack((log_moneyness, time_to_maturity))[order]
    std = coordinates.std(axis=0)
    standardised = (coordinates - coordinates.mean(axis=0)) / np.where(std > 0, std, 1)
    count = min(count, len(np.unique(standardised, axis=0)))
    found = KMeans(count, n_init=1, random_state=seed).fit_predict(standardised)
    _, first, label = np.unique(found, return_index=True, return_inverse=True)
    labels = np.empty(len(found), dtype=np.uint32)
    labels[order] = np.argsort(np.argsort(first))[label]
    return labels


def cluster_points(points: pl.DataFrame, masking: Masking) -> pl.DataFrame:
    """Clusters of every surface's visible points, for each masking proportion.

    Returns
    -------
    polars.DataFrame
        Table `cluster_table(masking)`, ordered by surface and point.
    """
    proportions = {cluster_column(p): cluster_count(p) for p in masking.proportions}
    visible = points.filter("visible").sort("surface_id", "point")
    tables = []
    for (surface_id,), surface in visible.group_by("surface_id", maintain_order=True):
        k, tau = surface["log_moneyness"].to_numpy(), surface["time_to_maturity"].to_numpy()
        seed = int(generator_of(masking.seed, "clusters", surface_id).integers(2**31))
        labels = {count: cluster(k, tau, count, seed) for count in sorted(set(proportions.values()))}
        columns = {name: labels[count] for name, count in proportions.items()}
        tables.append(
            surface.select("surface_id", "point").with_columns(**{n: pl.Series(c) for n, c in columns.items()})
        )
    return check(pl.concat(tables), cluster_table(masking), "clusters")


def mask(
    labels: np.ndarray,
    mask_groups: np.ndarray,
    proportion: float,
    min_targets: int,
    min_context: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """Mask a proportion of the points of each cluster at random.

    Of a cluster of n points, ⌊p n⌋ are masked and one more with the remainder's probability, so that the expected
    share is p. A group that only partly fits enters with the probability that keeps it so.

    Parameters
    ----------
    labels : array of int, shape (point,)
        Cluster of each point; a mask group belongs to the cluster of its first point.
    mask_groups : array of int, shape (point,)
        Points of one group are masked together.
    proportion : float
        p, in (0, 1).
    min_targets, min_context : int
        How many points are masked and how many stay at the least; whole groups are moved at random to reach them.
    generator : numpy.random.Generator
        Source of the draw.

    Returns
    -------
    array of bool, shape (point,)
        True where a point is masked (a target), False where it is context.

    Raises
    ------
    DataError
        The surface has too few points for both minima.
    """
    _, first, group, size = np.unique(mask_groups, return_index=True, return_inverse=True, return_counts=True)
    label = np.asarray(labels)[first]
    order = np.lexsort((generator.random(len(size)), label))  # groups at random within each cluster
    ends = np.cumsum(size[order])
    points_in = np.bincount(label, weights=size)[label[order]]
    starts = ends - size[order]
    before = starts - np.concatenate(([0], np.cumsum(np.bincount(label, weights=size))))[label[order]]
    share = (proportion * points_in - before) / size[order]  # of the group that fits into what is still to be masked
    masked = np.empty(len(size), dtype=bool)
    masked[order] = generator.random(len(size)) < share
    _keep_minima(masked, size, min_targets, min_context, generator)
    return masked[group]


def _keep_minima(
    masked: np.ndarray, size: np.ndarray, min_targets: int, min_context: int, generator: np.random.Generator
) -> None:
    """Move whole groups, at random and in place, until both sides hold their least number of points."""
    total = int(size.sum())
    for candidate in generator.permutation(len(size)):
        targets = int(size[masked].sum())
        if targets < min_targets and not masked[candidate] and total - targets - size[candidate] >= min_context:
            masked[candidate] = True
        elif total - targets < min_context and masked[candidate] and targets - size[candidate] >= min_targets:
            masked[candidate] = False
    targets = int(size[masked].sum())
    if targets < min_targets or total - targets < min_context:
        raise DataError(
            f"a surface must have {min_targets} targets and {min_context} context points at the least, "
            f"got {targets} and {total - targets} of {total} points in {len(size)} mask groups"
        )


def draw_evaluation_masks(points: pl.DataFrame, clusters: pl.DataFrame, masking: Masking) -> pl.DataFrame:
    """The fixed masks that every method is judged on, each drawn by the seed, the surface and its own name.

    `clustered_p` is the dynamic mask at p, `random_n` shows n points wherever `min_evaluation_targets` targets are
    left, the structured masks leave a hole of one shape, and `visible` shows every visible point of a thinned surface.
    Context comes from visible points alone; hidden points are targets of every mask.

    Parameters
    ----------
    points, clusters : polars.DataFrame
        Table TIERED_POINTS of the days to be judged, and what `cluster_points` made of it.
    masking : Masking
        Names, sizes and seed of the masks.

    Returns
    -------
    polars.DataFrame
        Table MASKS.
    """
    joined = points.join(clusters, on=["surface_id", "point"], how="left").sort("surface_id", "point")
    tables = []
    for (surface_id,), surface in joined.group_by("surface_id", maintain_order=True):
        for name, context in _contexts(surface_id, surface, masking):
            role = pl.Series("role", np.where(context, "context", "target"))
            tables.append(surface.select(pl.lit(name).alias("mask"), "surface_id", "point").with_columns(role))
    if not tables:
        raise DataError("masks must be drawn for at least one surface, got no surface on validation and test days")
    return check(pl.concat(tables).sort(MASKS.key), MASKS, "evaluation masks")


def _contexts(surface_id: str, surface: pl.DataFrame, masking: Masking) -> Iterator[tuple[str, np.ndarray]]:
    """Name of each mask of a surface and which of its points are context."""
    visible = surface["visible"].to_numpy()
    groups = surface["mask_group"].to_numpy()[visible]
    for proportion in masking.proportions:
        name = clustered(proportion)
        labels = surface[cluster_column(proportion)].to_numpy()[visible].astype(np.int64)
        generator = generator_of(masking.seed, name, surface_id)
        targets = mask(labels, groups, proportion, masking.min_targets, masking.min_context, generator)
        yield name, _place(~targets, visible)
    for count in masking.random_counts:
        name = f"random_{count}"
        if count < visible.sum() and len(visible) - count >= masking.min_evaluation_targets:
            yield name, _place(draw_groups(groups, count, generator_of(masking.seed, name, surface_id)), visible)
    yield from _structured(surface_id, surface, groups, visible, masking)
    if not visible.all():
        yield "visible", visible


def _structured(
    surface_id: str, surface: pl.DataFrame, groups: np.ndarray, visible: np.ndarray, masking: Masking
) -> Iterator[tuple[str, np.ndarray]]:
    k, tau = (surface[name].to_numpy()[visible] for name in ("log_moneyness", "time_to_maturity"))
    for name in masking.structured:
        generator = generator_of(masking.seed, name, surface_id)
        context = structured_masks.shown(name, k, tau, groups, masking.holes, generator)
        if context is None or context.all() or context.sum() < masking.min_context:
            continue
        if len(visible) - context.sum() >= masking.min_evaluation_targets:
            yield name, _place(context, visible)


def _place(chosen: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Spread a choice among visible points over all points of the surface."""
    placed = np.zeros(len(visible), dtype=bool)
    placed[visible] = chosen
    return placed
