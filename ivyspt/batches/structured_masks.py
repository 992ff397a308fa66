"""Holes of the shapes that quotes really leave: whole expiries, wings, a block, the short end, a handful of clusters.

Strikes of an expiry are counted by their place in it, from 0 (the lowest) to 1, so that a hole does not depend on vols.
"""

from math import ceil, floor

import numpy as np

from ivyspt.masking_config import Holes, StructuredMask

CLUSTERS = 3  # expiries, and quotes of each, of `nine_clustered`


def shown(
    name: StructuredMask,
    log_moneyness: np.ndarray,
    time_to_maturity: np.ndarray,
    mask_groups: np.ndarray,
    holes: Holes,
    generator: np.random.Generator,
) -> np.ndarray | None:
    """Which points stay in view under a structured mask.

    Parameters
    ----------
    name : str
        whole_expiries: some expiries, at least two, drawn at random, stay whole.
        left_wing, right_wing, both_wings: the lowest, the highest strikes of every expiry, or both, are hidden.
        block: between two maturities and two places in the expiries, all drawn at random, everything is hidden.
        short_end: the first expiries are hidden.
        nine_clustered: three quotes of each of three expiries, all drawn at random, stay.
        near_money: the points of least |k| / sqrt(tau) stay.
    log_moneyness, time_to_maturity, mask_groups : array, shape (point,)
        In any order of points; those of one mask group share the fate of the first by (tau, k).
    holes : Holes
        How large the holes are.
    generator : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    array of bool, shape (point,), or None where the surface has too few expiries or quotes for the shape.
    """
    order = np.lexsort((log_moneyness, time_to_maturity))
    _, first, group = np.unique(mask_groups[order], return_index=True, return_inverse=True)
    lead = order[np.sort(first)]  # one point of each group, by (tau, k)
    kept = _SHAPES[name](log_moneyness[lead], time_to_maturity[lead], holes, generator)
    if kept is None:
        return None
    of_group = np.empty(len(first), bool)
    of_group[np.argsort(first)] = kept
    placed = np.empty(len(order), bool)
    placed[order] = of_group[group]
    return placed


def _whole_expiries(k: np.ndarray, tau: np.ndarray, holes: Holes, generator: np.random.Generator) -> np.ndarray | None:
    expiries = np.unique(tau)
    count = max(2, ceil(holes.expiries_shown * len(expiries)))
    return np.isin(tau, generator.choice(expiries, count, replace=False)) if count < len(expiries) else None


def _short_end(k: np.ndarray, tau: np.ndarray, holes: Holes, generator: np.random.Generator) -> np.ndarray | None:
    expiries = np.unique(tau)
    hidden = max(1, floor(holes.short_end * len(expiries)))
    return tau >= expiries[hidden] if hidden < len(expiries) else None


def _left_wing(k: np.ndarray, tau: np.ndarray, holes: Holes, generator: np.random.Generator) -> np.ndarray:
    return _place(tau) >= holes.wing


def _right_wing(k: np.ndarray, tau: np.ndarray, holes: Holes, generator: np.random.Generator) -> np.ndarray:
    return _place(tau) <= 1 - holes.wing


def _both_wings(k: np.ndarray, tau: np.ndarray, holes: Holes, generator: np.random.Generator) -> np.ndarray:
    return np.abs(_place(tau) - 0.5) <= 0.5 - holes.wing


def _block(k: np.ndarray, tau: np.ndarray, holes: Holes, generator: np.random.Generator) -> np.ndarray | None:
    expiries = np.unique(tau)
    count = ceil(holes.block * len(expiries))
    start, low = generator.integers(len(expiries) - count + 1), generator.uniform(0, 1 - holes.block)
    place = _place(tau)
    hidden = np.isin(tau, expiries[start : start + count]) & (place >= low) & (place <= low + holes.block)
    return ~hidden


def _nine_clustered(k: np.ndarray, tau: np.ndarray, holes: Holes, generator: np.random.Generator) -> np.ndarray | None:
    expiries, counts = np.unique(tau, return_counts=True)
    eligible = expiries[counts >= CLUSTERS]
    if len(eligible) < CLUSTERS:
        return None
    kept = np.zeros(len(tau), bool)
    for expiry in generator.choice(eligible, CLUSTERS, replace=False):
        kept[generator.choice(np.flatnonzero(tau == expiry), CLUSTERS, replace=False)] = True
    return kept


def _near_money(k: np.ndarray, tau: np.ndarray, holes: Holes, generator: np.random.Generator) -> np.ndarray:
    distance = np.abs(k) / np.sqrt(tau)
    return distance <= np.quantile(distance, holes.near_money)


def _place(tau: np.ndarray) -> np.ndarray:
    """Place of each point among those of its expiry, in (0, 1); points in the order of (tau, k)."""
    _, first, expiry, count = np.unique(tau, return_index=True, return_inverse=True, return_counts=True)
    return (np.arange(len(tau)) - first[expiry] + 0.5) / count[expiry]


_SHAPES = {
    "whole_expiries": _whole_expiries,
    "left_wing": _left_wing,
    "right_wing": _right_wing,
    "both_wings": _both_wings,
    "block": _block,
    "short_end": _short_end,
    "nine_clustered": _nine_clustered,
    "near_money": _near_money,
}
