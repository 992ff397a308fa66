"""Static-arbitrage constraints among finitely many call prices, built by the independent package `arbitragerepair`.

[1] Cohen, S. N., Reisinger, C. & Wang, S. (2020). Detecting and repairing arbitrage in traded option prices. Applied
    Mathematical Finance 27(5), 345-373.
"""

import numpy as np
import pandas as pd
from arbitragerepair import constraints
from jaxtyping import Float

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


def constraints_of(
    family: str, tau: Float[np.ndarray, " point"], strike: Float[np.ndarray, " point"]
) -> tuple[Float[np.ndarray, "constraint point"], Float[np.ndarray, " constraint"]]:
    """Matrix A and bound b of a family: calls c (over the forward) are free of its arbitrage where A c >= b; [1].

    Points are ordered by time to maturity and strike; strikes are over the forward. The forward itself stands in each
    slice as the call of strike zero.
    """
    table = _table(tau, strike)
    if family in WITHIN_SLICES:
        return WITHIN_SLICES[family](table, tau.size, np.unique(tau).size)
    return ACROSS_SLICES[family](table, tau.size)


def _table(tau: np.ndarray, strike: np.ndarray) -> pd.DataFrame:
    """The table from which the package builds its constraints.

    The package's own maker of this table calls `fillna(method=...)`, which pandas 3 has dropped.
    """
    forwards = pd.DataFrame({"T": np.unique(tau), "K": 0.0, "C": 1.0, "raw_index": 0})
    points = pd.DataFrame({"T": tau, "K": strike, "C": np.nan, "raw_index": np.arange(tau.size)})
    table = pd.concat([points, forwards]).sort_values(["T", "K"]).reset_index(drop=True)
    table["T_order"] = table.groupby("T").ngroup()
    strikes = table.groupby("T_order")["K"]
    table["K_m1"] = strikes.shift(1).fillna(0.0)
    table["K_m2"] = strikes.shift(2).fillna(0.0)
    table["K_p1"] = strikes.shift(-1).fillna(FAR_STRIKE)
    table["K_order"] = table.groupby("T_order").cumcount()
    table["K_order_max"] = table.groupby("T_order")["K_order"].transform("max")
    return table
