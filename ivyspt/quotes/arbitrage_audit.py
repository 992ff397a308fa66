"""Static arbitrage among the quotes of a surface, in price space: at the mid, and as a trader could execute it."""

import numpy as np
import polars as pl
from jaxtyping import Float

from ivyspt import black
from ivyspt.price_constraints import ACROSS_SLICES, FAMILIES, constraints_of

SCHEMA = {
    "surface_id": pl.String,
    "family": pl.String,  # of constraints: outright, vertical_spread, butterfly, calendar_…
    "constraints": pl.UInt32,
    "violated_at_mid": pl.UInt32,
    "executable": pl.UInt32,  # violated although one buys at the ask and sells at the bid; null: no bid and ask
}


def audit_surface(points: pl.DataFrame, tolerance: float, max_calendar_points: int) -> pl.DataFrame:
    """Constraints of each family and how many the points of one surface (POINTS) violate.

    A constraint A c >= b among calls over the forward is violated at the mid where A c < b - tolerance, and executable
    where even its dearest reading is, positive weights at the ask and negative ones at the bid. ASSUME the forward can
    be traded at its implied price: it turns a put's quote into a call's. The number of constraints across expiries is
    quadratic in the points: they read every so many strikes of a slice, at most about `max_calendar_points` in all.
    """
    points = points.sort("time_to_maturity", "log_moneyness")
    tau, k = (points[name].to_numpy() for name in ("time_to_maturity", "log_moneyness"))
    bid, mid, ask = (call_prices(points, f"implied_vol{side}") for side in ("_bid", "", "_ask"))
    quoted = np.isfinite(ask).all()  # a bid without a vol lies below intrinsic value, where `call_prices` puts it
    place = np.arange(tau.size) - np.searchsorted(tau, tau)
    sparse = place % -(-tau.size // max_calendar_points) == 0
    rows = []
    for family in FAMILIES:
        chosen = sparse if family in ACROSS_SLICES else np.full(tau.size, True)
        matrix, bound = constraints_of(family, tau[chosen], np.exp(k[chosen]))
        violated = matrix @ mid[chosen] < bound - tolerance
        dearest = np.maximum(matrix, 0) @ ask[chosen] + np.minimum(matrix, 0) @ bid[chosen]
        executable = int(np.sum(dearest < bound - tolerance)) if quoted else None
        rows.append((points["surface_id"][0], family, bound.size, int(violated.sum()), executable))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def call_prices(points: pl.DataFrame, column: str) -> Float[np.ndarray, " point"]:
    """Calls over the forward at a column of vols; intrinsic value where a bid has none, NaN where an ask has none."""
    strike = np.exp(points["log_moneyness"].to_numpy())
    vols = points[column].fill_null(float("nan")).to_numpy()
    one = np.ones(strike.size)
    calls = black.price(one, strike, points["time_to_maturity"].to_numpy(), vols, np.full(strike.size, True))
    return np.where(np.isnan(calls), np.maximum(1 - strike, 0.0), calls) if column == "implied_vol_bid" else calls
