"""Static arbitrage on the audit grid, one row a surface and mask.

A clean row says "none found on this grid", not that there is none.
"""

from itertools import pairwise

import numpy as np
import polars as pl

from ivyspt.arbitrage import LEE_BOUND, durrleman_g, implied_density
from ivyspt.columns import Table, check
from ivyspt.config import Evaluation
from ivyspt.evaluation.metrics import SURFACE, SURFACE_COLUMNS, SURFACE_KEY
from ivyspt.evaluation.price_space import price_violations
from ivyspt.evaluation.tasks import drawn
from ivyspt.price_constraints import FAMILIES

PRICE_STRIDE = 2  # every second node of a slice goes to the price-space test across expiries
# a method's derivative and its difference may differ by so much of w per standard deviation, its square, and w / tau
AGREEMENT = {"w_k": 0.02, "w_kk": 0.05, "w_tau": 0.02}


_DERIVED = (
    *("butterfly_share", "calendar_share", "min_g", "min_w_tau", "butterfly_loss", "calendar_loss", "negative_mass"),
    *("butterfly_share_difference", "calendar_share_difference", "disagreeing_share"),
)
_PRICED = tuple(f"price_{family}" for family in FAMILIES)
_VERDICTS = ("violating_derivatives", "violating_prices", "violating")
AUDIT = Table(
    "audit",
    {
        **SURFACE_COLUMNS,
        **{"nodes": pl.UInt32, "failures": pl.UInt32},
        **dict.fromkeys((*_DERIVED, "wing_slope"), pl.Float64),
        **dict.fromkeys(_PRICED, pl.UInt32),
        **dict.fromkeys(_VERDICTS, pl.Boolean),
    },
    SURFACE_KEY,
    frozenset((*_DERIVED, "wing_slope", *_PRICED, *_VERDICTS)),
)
UNJUDGED = dict.fromkeys((*_DERIVED, *_PRICED, *_VERDICTS))


def audit_surfaces(predictions: pl.DataFrame, evaluation: Evaluation, audit_seed: int) -> pl.DataFrame:
    """Search the audited surfaces of a method for arbitrage.

    Returns
    -------
    Columns that name the surface, and
    nodes, failures (nodes without an answer; each counts as violating wherever a share is taken);
    butterfly_share, calendar_share: shares of nodes with g or w_tau below minus the tolerance, by the method's own
    derivatives; min_g, min_w_tau; butterfly_loss, calendar_loss; negative_mass, the largest mass of negative density of
    a slice; the same shares with the suffix `_difference` by central differences; disagreeing_share, of nodes where the
    two disagree (all null for a method without derivatives);
    wing_slope, the largest outward slope of w in k between the last two nodes of a slice, dimensionless;
    one count of violated price-space constraints a family, `price_…` (null where the surface was not judged);
    violating_derivatives, violating_prices, violating: verdicts; a surface that nothing judged is null, not clean.
    """
    audited = predictions.filter(pl.col("set") == "audit")
    judged = {
        (tier, mask): drawn(group["surface_id"], evaluation.price_test_surfaces, audit_seed)
        for (tier, mask), group in audited.group_by(["tier", "mask"])
    }
    rows = []
    for key, nodes in audited.sort("point").group_by(SURFACE, maintain_order=True):
        surface = dict(zip(SURFACE, key, strict=True))
        of_prices = surface["surface_id"] in judged[surface["tier"], surface["mask"]]
        rows.append(surface | audit_surface(nodes, evaluation, of_prices))
    return check(pl.DataFrame(rows, schema=AUDIT.columns), AUDIT, "audit of predictions")


def audit_surface(nodes: pl.DataFrame, evaluation: Evaluation, judge_prices: bool) -> dict:
    """What the audit finds on one surface; `nodes` are its audit rows of a PREDICTIONS table."""
    column = {
        name: nodes[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        for name in nodes.columns
        if nodes[name].dtype.is_float()
    }
    failed = np.isnan(column["total_variance"])
    found = UNJUDGED | {"nodes": nodes.height, "failures": int(failed.sum()), **_wings(column)}
    if (~np.isnan(column["w_k"])).any():
        found |= _by_derivatives(column, failed, evaluation)
        shares = [found[f"{kind}_share{by}"] for kind in ("butterfly", "calendar") for by in ("", "_difference")]
        found["violating_derivatives"] = max(shares) > 0 or found["wing_slope"] > LEE_BOUND
    if judge_prices:
        found |= _by_prices(column, failed, evaluation)
    verdicts = [each for each in (found["violating_derivatives"], found["violating_prices"]) if each is not None]
    if verdicts or failed.any():
        found["violating"] = any(verdicts) or bool(failed.any())
    return found


def _by_derivatives(column: dict[str, np.ndarray], failed: np.ndarray, evaluation: Evaluation) -> dict:
    k, tau, w = (column[name] for name in ("log_moneyness", "time_to_maturity", "total_variance"))
    g, w_tau = column["durrleman_g"], column["w_tau"]
    found = _shares(g, w_tau, evaluation, "")
    g_difference = durrleman_g(k, w, column["w_k_difference"], column["w_kk_difference"])
    found |= _shares(g_difference, column["w_tau_difference"], evaluation, "_difference")
    std = _std(k, tau, evaluation)
    scale = {"w_k": w / std, "w_kk": w / std**2, "w_tau": w / tau}
    apart = [
        ~(np.abs(column[name] - column[f"{name}_difference"]) <= AGREEMENT[name] * scale[name]) for name in AGREEMENT
    ]
    density = implied_density(k, w, column["w_k"], column["w_kk"])
    mass = [np.trapezoid(np.clip(-density[s], 0, None), k[s]) for s in _slices(tau) if not failed[s].any()]
    return found | {
        "min_g": float(np.nanmin(g)),
        "min_w_tau": float(np.nanmin(w_tau)),
        "butterfly_loss": float(np.nanmean(np.clip(-g, 0, None) ** 2)),
        "calendar_loss": float(np.nanmean(np.clip(-w_tau, 0, None) ** 2)),
        "negative_mass": float(max(mass)) if mass else None,
        "disagreeing_share": float(np.mean(np.any(apart, axis=0))),
    }


def _shares(g: np.ndarray, w_tau: np.ndarray, evaluation: Evaluation, suffix: str) -> dict[str, float]:
    """Shares of nodes that are not clean; a NaN is not."""
    return {
        f"butterfly_share{suffix}": float(np.mean(~(g >= -evaluation.durrleman_tolerance))),
        f"calendar_share{suffix}": float(np.mean(~(w_tau >= -evaluation.calendar_tolerance))),
    }


def _slices(tau: np.ndarray) -> list[slice]:
    edges = [0, *(np.flatnonzero(np.diff(tau)) + 1), len(tau)]
    return [slice(*edge) for edge in pairwise(edges)]


def _std(k: np.ndarray, tau: np.ndarray, evaluation: Evaluation) -> np.ndarray:
    """sigma_ATM sqrt(tau) of each node, from how far the grid reaches."""
    return np.concatenate(
        [np.full(s.stop - s.start, np.abs(k[s]).max() / evaluation.audit_max_z) for s in _slices(tau)]
    )


def _wings(column: dict[str, np.ndarray]) -> dict[str, float | None]:
    k, w = column["log_moneyness"], column["total_variance"]
    slopes = []
    for s in _slices(column["time_to_maturity"]):
        slope = np.diff(w[s]) / np.diff(k[s])
        slopes += [slope[-1], -slope[0]]
    return {"wing_slope": float(np.nanmax(slopes)) if np.isfinite(slopes).any() else None}


def _by_prices(column: dict[str, np.ndarray], failed: np.ndarray, evaluation: Evaluation) -> dict:
    if failed.any():
        return {"violating_prices": True}
    nodes = (column[name] for name in ("log_moneyness", "time_to_maturity", "total_variance"))
    counts = price_violations(*nodes, evaluation.price_tolerance, PRICE_STRIDE)
    found = {f"price_{family}": count for family, count in counts.items()}
    return found | {"violating_prices": sum(counts.values()) > 0}
