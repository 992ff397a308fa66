"""Static arbitrage among finitely many prices, found by the independent package `arbitragerepair`.

No derivative of the method enters: calls on the nodes of a grid are compared with one another, as a trader could, and
with the forward, which is the call of strike zero. So a left wing that no convex continuation to strike zero can save
is found although Durrleman's g is positive at every node.

[1] Cohen, S. N., Reisinger, C. & Wang, S. (2020). Detecting and repairing arbitrage in traded option prices. Applied
    Mathematical Finance 27(5), 345-373.
"""

import numpy as np

from ivyspt import black
from ivyspt.price_constraints import ACROSS_SLICES, WITHIN_SLICES, constraints_of


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
        for family in families:
            matrix, bound = constraints_of(family, tau[chosen], np.exp(k[chosen]))
            found[family] = int(np.sum(matrix @ calls[chosen] - bound < -tolerance))
    return found
