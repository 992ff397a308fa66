"""Static arbitrage among finitely many prices, found by the independent package `arbitragerepair`.

No derivative of the method enters: calls on the nodes of a grid are compared with one another, as a trader could, and
with the forward, which is the call of strike zero. So a left wing that no convex continuation to strike zero can save
is found although Durrleman's g is positive at every node.

[1] Cohen, S. N., Reisinger, C. & Wang, S. (2020). Detecting and repairing arbitrage in traded option prices. Applied
    Mathematical Finance 27(5), 345-373.
"""

import numpy as np
import pandas as pd
from arbitragerepair import constraints

from ivyspt import black

FAR_STRIKE = 1e10  # stands for an infinite strike, as in the package
# the package's builders of each family of constraints: on single slices, and across expiries
WITHIN_SLICES = {
    "outright": constraints._constrain_outright,
    "vertical_spread": constraints._constrain_vs,
    "butterfly": constraints._constrain_vb,
}
ACROSS_SLICES = {
    "calendar_spread": constraints._constrain_cs,
    "calendar_vertical": constraints._constrain_cvs,
    "calendar_butterfly": constraints._constrain_cbs,
}
FAMILIES = (*WITHIN_SLICES, *ACROSS_SLICES)


def price_violations(
    log_moneyness: np.ndarray, time_to_maturity: np.ndarray, total_variance: np.ndarray, tolerance: float, stride: int
) -> dict[str, int]:
    """Number of violated constraints of each family; [1], Proposition 2.

    Parameters
    ----------
    log_moneyness, time_to_maturity, total_variance : array of shape (node,)
        Nodes of one surface, all answered.
    tolerance : float
        Price over forward (per unit of strike over forward for spreads) by which a constraint may fail.
    stride : int
        Every so many nodes of a slice enter the constraints across expiries, whose number is quadratic in the nodes;
        those within slices read all.
    """
    order = np.lexsort((log_moneyness, time_to_maturity))
    k, tau, w = (np.asarray(each, float)[order] for each in (log_moneyness, time_to_maturity, total_variance))
    one = np.ones_like(k)
    calls = black.price(one, np.exp(k), one, np.sqrt(w), np.full(k.shape, True))
    place = np.arange(len(k)) - np.searchsorted(tau, tau)
    found = {}
    for families, chosen in ((WITHIN_SLICES, place >= 0), (ACROSS_SLICES, place % stride == 0)):
        table, prices, expiry = _table(tau[chosen], np.exp(k[chosen]), calls[chosen]), calls[chosen], tau[chosen]
        sizes = (len(prices), np.unique(expiry).size) if families is WITHIN_SLICES else (len(prices),)
        for family, build in families.items():
            matrix, bound = build(table, *sizes)
            found[family] = int(np.sum(matrix @ prices - bound < -tolerance))
    return found


def _table(tau: np.ndarray, strike: np.ndarray, calls: np.ndarray) -> pd.DataFrame:
    """The table from which the package builds its constraints: nodes by expiry and strike, and the forward at K = 0.

    The package's own maker of this table calls `fillna(method=...)`, which pandas 3 has dropped.
    """
    forwards = pd.DataFrame({"T": np.unique(tau), "K": 0.0, "C": 1.0, "raw_index": 0})
    nodes = pd.DataFrame({"T": tau, "K": strike, "C": calls, "raw_index": np.arange(len(tau))})
    table = pd.concat([nodes, forwards]).sort_values(["T", "K"]).reset_index(drop=True)
    table["T_order"] = table.groupby("T").ngroup()
    strikes = table.groupby("T_order")["K"]
    table["K_m1"] = strikes.shift(1).fillna(0.0)
    table["K_m2"] = strikes.shift(2).fillna(0.0)
    table["K_p1"] = strikes.shift(-1).fillna(FAR_STRIKE)
    table["K_order"] = table.groupby("T_order").cumcount()
    table["K_order_max"] = table.groupby("T_order")["K_order"].transform("max")
    return table
