"""One point a strike and slice: the out-of-the-money side, blended with the other near the money."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from ivyspt.columns import POINTS
from ivyspt.config import Surfaces
from ivyspt.implied_vol import implied_vol
from ivyspt.quotes.chains import Chains, Prices
from ivyspt.quotes.curves import Curve
from ivyspt.quotes.filters import Verdicts, neighbour_median


def surface_id() -> pl.Expr:
    """Name of a surface: symbol and quote time."""
    return pl.format("{}_{}", "symbol", pl.col("quote_time").dt.strftime("%Y-%m-%dT%H:%M")).alias("surface_id")


@dataclass(frozen=True)
class Chosen:
    """The strikes that become points, in the order of slices and strikes.

    A point's vol is `call_weight` times the call's plus the rest times the put's; a row of -1 stands for a side of no
    weight.
    """

    slice: Int[np.ndarray, " point"]
    call: Int[np.ndarray, " point"]  # row of the call's quote
    put: Int[np.ndarray, " point"]
    call_weight: Float[np.ndarray, " point"]

    def take(self, where: np.ndarray) -> "Chosen":
        """The points of `where`."""
        return Chosen(self.slice[where], self.call[where], self.put[where], self.call_weight[where])

    def mix(self, values: Float[np.ndarray, " quote"]) -> Float[np.ndarray, " point"]:
        """A quantity of quotes, blended into points; NaN where a side that has weight has none."""
        call = np.where(self.call >= 0, values[self.call], 0.0)
        put = np.where(self.put >= 0, values[self.put], 0.0)
        return self.call_weight * call + (1 - self.call_weight) * put


def choose_points(
    chains: Chains,
    vols: Float[np.ndarray, " quote"],
    z: Float[np.ndarray, " quote"],
    verdicts: Verdicts,
    settings: Surfaces,
) -> Chosen:
    """Pick each strike's side, drop the other one as in the money, and drop points off their neighbours' median.

    The call's weight rises linearly in z from 0 at -blend_half_width to 1 at +blend_half_width; inside, a side whose
    twin was dropped stands alone.
    """
    calls, puts = chains.sides()
    kept = verdicts.kept
    has_call, has_put = ((rows >= 0) & kept[rows] for rows in (calls, puts))
    some = np.where(calls >= 0, calls, puts)  # any quote of the strike: they share z and slice
    width = settings.blend_half_width
    at = z[some]
    weight = np.clip((at / width + 1) / 2, 0.0, 1.0) if width > 0 else (at >= 0).astype(float)
    inside = np.abs(at) < width
    weight = np.where(inside & ~has_put, 1.0, np.where(inside & ~has_call, 0.0, weight))
    use_call, use_put = has_call & (weight > 0), has_put & (weight < 1)
    point = (use_call | (weight == 0)) & (use_put | (weight == 1)) & (has_call | has_put)
    used = np.zeros(kept.size, dtype=bool)
    used[calls[use_call & point]] = True
    used[puts[use_put & point]] = True
    verdicts.drop(~used, "in_the_money")
    absent = np.full(calls.size, -1)
    sides = np.where(use_call, calls, absent), np.where(use_put, puts, absent)
    chosen = Chosen(chains.slice[some], *sides, weight).take(point)
    if settings.filters.max_neighbour_gap is None:
        return chosen
    blended = chosen.mix(vols)
    gap = np.abs(blended / neighbour_median(blended, chosen.slice) - 1)
    return keep_points(chosen, gap <= settings.filters.max_neighbour_gap, "neighbour_gap", verdicts)


def keep_points(chosen: Chosen, where: np.ndarray, reason: str, verdicts: Verdicts) -> Chosen:
    """The points of `where`; the quotes of the others are dropped for `reason`."""
    dropped = chosen.take(~where)
    rows = np.concatenate([dropped.call, dropped.put])
    quotes = np.zeros(verdicts.codes.size, dtype=bool)
    quotes[rows[rows >= 0]] = True
    verdicts.drop(quotes, reason)
    return chosen.take(where)


def drop_small_surfaces(chains: Chains, chosen: Chosen, verdicts: Verdicts, settings: Surfaces) -> Chosen:
    """Leave out surfaces with too few points or expiries."""
    surface = chains.surface[chosen.slice]
    count = int(chains.surface.max(initial=-1)) + 1
    points = np.bincount(surface, minlength=count)
    expiries = np.bincount(chains.surface[np.unique(chosen.slice)], minlength=count)
    large = (points >= settings.min_points) & (expiries >= settings.min_expiries)
    return keep_points(chosen, large[surface], "surface_small", verdicts)


def side_vols(
    chains: Chains, curve: Curve, price: Float[np.ndarray, " quote"], chosen: Chosen
) -> Float[np.ndarray, " point"]:
    """Vols of the points at another price than the mid (bid or ask); NaN where it admits none."""
    vols = np.full(price.size, np.nan)
    rows = np.concatenate([chosen.call, chosen.put])
    rows = rows[rows >= 0]
    rows = rows[np.isfinite(price[rows])]
    at = chains.slice[rows]
    vols[rows] = implied_vol(
        price[rows] / curve.discount[at],
        curve.forward[at],
        chains.strike[rows],
        chains.time_to_maturity[rows],
        chains.is_call[rows],
    )
    return chosen.mix(vols)


def points_table(
    chains: Chains, curve: Curve, prices: Prices, vols: Float[np.ndarray, " quote"], chosen: Chosen
) -> pl.DataFrame:
    """The surfaces' points (POINTS)."""
    some = np.where(chosen.call >= 0, chosen.call, chosen.put)
    strike, forward = chains.strike[some], curve.forward[chosen.slice]
    own = chains.slices.select(surface_id(), "quote_time", "symbol", "expiry", "time_to_maturity")[chosen.slice]
    table = own.with_columns(
        strike=strike,
        log_moneyness=np.log(strike / forward),
        implied_vol=chosen.mix(vols),
        implied_vol_bid=side_vols(chains, curve, prices.bid, chosen),
        implied_vol_ask=side_vols(chains, curve, prices.ask, chosen),
        forward=forward,
        discount_factor=curve.discount[chosen.slice],
    )
    table = table.with_columns(pl.col("implied_vol_bid", "implied_vol_ask").fill_nan(None))
    table = table.sort("quote_time", "symbol", "time_to_maturity", "log_moneyness")
    number = pl.int_range(pl.len(), dtype=pl.UInt32).over("surface_id")
    # one point a (k, tau): no twin is left to mask it with
    table = table.with_columns(point=number, mask_group=number)
    return table.select(pl.col(column).cast(dtype) for column, dtype in POINTS.columns.items())
