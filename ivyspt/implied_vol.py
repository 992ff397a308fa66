"""Implied vols of European options by Jäckel's rational guess and two Householder steps.

[1] Jäckel, P. (2015). Let's be rational. Wilmott 2015(75), 40-53.
"""

import sys

import numpy as np
from jaxtyping import Bool, Float

# optional there, unused here, and five seconds of every process: it imports torch and its compiler
UNUSED = "fast_vollib.jackel.differentiable"
sys.modules.setdefault(UNUSED, None)
from fast_vollib.jackel import jackel_iv_black  # noqa: E402

if sys.modules[UNUSED] is None:
    del sys.modules[UNUSED]  # for who wants it beside us

BLOCK = 65_536  # quotes; the solver's temporaries then stay in the cache


def implied_vol(
    price: Float[np.ndarray, " point"],
    forward: Float[np.ndarray, " point"],
    strike: Float[np.ndarray, " point"],
    time_to_maturity: Float[np.ndarray, " point"],
    is_call: Bool[np.ndarray, " point"],
) -> Float[np.ndarray, " point"]:
    """Annualised vol (decimal) at which Black's formula gives `price`, undiscounted and in units of the forward; [1].

    NaN where no vol does: a price that is not above intrinsic value or not below the forward (call) or the strike
    (put), or an argument that is not finite and positive.
    """
    vols = np.full(price.shape, np.nan)
    intrinsic = np.maximum(np.where(is_call, forward - strike, strike - forward), 0.0)
    with np.errstate(invalid="ignore"):
        solvable = (price > intrinsic) & (price < np.where(is_call, forward, strike))
        solvable &= (time_to_maturity > 0) & (forward > 0) & (strike > 0) & np.isfinite(forward * time_to_maturity)
    rows = np.flatnonzero(solvable)
    for start in range(0, rows.size, BLOCK):
        at = rows[start : start + BLOCK]
        # an infinitesimal time value can underflow inside the solver; it then answers NaN, as documented above
        with np.errstate(all="ignore"):
            vols[at] = jackel_iv_black(price[at], forward[at], strike[at], time_to_maturity[at], is_call[at])
    return vols
