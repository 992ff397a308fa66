"""Why a quote does not enter a surface: the first reason that applies, in the order of `REASONS`.

[1] CBOE (2023). Volatility index methodology: zero bids are left out.
[2] Bakshi, Cao & Chen (1997). Empirical performance of alternative option pricing models. Journal of Finance 52:
    prices below 3/8 USD, less than six days to expiry and prices outside no-arbitrage bounds are left out.
[3] OptionMetrics, IvyDB US reference manual: no vol below the intrinsic value, above 300 %, or without vega.
"""

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from ivyspt.columns import REJECTIONS
from ivyspt.config import Filters
from ivyspt.quotes.chains import Chains, Prices
from ivyspt.quotes.segments import total

REASONS = (
    "used",  # no reason: the quote is in a surface
    "expired",  # the quote time is not before the expiry
    "time_to_maturity_short",
    "time_to_maturity_long",
    "zero_bid",
    "no_price",  # neither bid and ask nor a mark (or no vendor's vol, where that is the price)
    "price_low",  # bid (or mark) below the least price: a tick is too much of it
    "crossed",  # ask below bid
    "spread_wide",
    "open_interest_low",
    "other_root",  # another root quotes the same expiry more fully
    "no_forward",  # neither pairs, nor a neighbouring expiry's carry, nor a spot price
    "outside_bounds",  # the price admits no vol: below intrinsic value or above the forward (call) or strike (put)
    "implied_vol_low",
    "implied_vol_high",
    "far_strike",  # |z| too large
    "no_twin",  # the other side of the strike, which the twin filter needs, is missing or was dropped
    "twin_gap",  # the vols of call and put at the strike disagree: one is stale
    "in_the_money",  # the out-of-the-money side of the strike stands for it
    "neighbour_gap",  # off the median vol of five neighbouring strikes: stale
    "surface_small",  # too few points or expiries are left of the surface
)
CODE = {reason: np.int8(code) for code, reason in enumerate(REASONS)}
NEIGHBOURS = 5  # strikes, the quote's own included


class Verdicts:
    """The reason of every quote, as a code into `REASONS`; the first one given to a quote stays."""

    def __init__(self, quotes: int):
        self.codes = np.zeros(quotes, dtype=np.int8)

    @property
    def kept(self) -> Bool[np.ndarray, " quote"]:
        """Quotes that nothing speaks against so far."""
        return self.codes == CODE["used"]

    def drop(self, where: Bool[np.ndarray, " quote"], reason: str) -> None:
        """Give `reason` to the quotes of `where` that have none yet."""
        self.codes[where & self.kept] = CODE[reason]


def judge_prices(chains: Chains, prices: Prices, filters: Filters) -> Verdicts:
    """Apply what needs no forward: time to maturity, bid, ask, mark, open interest.

    Where a vendor gives a mark instead of bid and ask, the mid is the mark and the thresholds of a spread do not
    apply. Unknown open interest counts as zero.
    """
    verdicts = Verdicts(prices.mid.size)
    tau = chains.time_to_maturity
    verdicts.drop(chains.minutes_left <= 0, "expired")
    verdicts.drop(tau < filters.min_time_to_maturity, "time_to_maturity_short")
    verdicts.drop(tau > filters.max_time_to_maturity, "time_to_maturity_long")
    with np.errstate(invalid="ignore", divide="ignore"):
        verdicts.drop(prices.bid <= 0, "zero_bid")
        verdicts.drop(~(prices.mid > 0), "no_price")
        verdicts.drop(np.where(np.isnan(prices.bid), prices.mid, prices.bid) < filters.min_bid, "price_low")
        verdicts.drop(prices.ask < prices.bid, "crossed")
        verdicts.drop((prices.ask - prices.bid) / prices.mid > filters.max_relative_spread, "spread_wide")
    verdicts.drop(np.nan_to_num(chains.open_interest) < filters.min_open_interest, "open_interest_low")
    return verdicts


def drop_other_roots(chains: Chains, verdicts: Verdicts) -> None:
    """Of several roots with one expiry keep the one with most quotes left (then the first by name)."""
    kept = total(verdicts.kept.astype(float), chains.slice, chains.slices.height)
    ranked = chains.slices.select("surface", "expiry", "root", kept=pl.Series(kept), row=pl.int_range(pl.len()))
    ranked = ranked.sort("surface", "expiry", "kept", "root", descending=[False, False, True, False])
    other = ranked.filter(pl.int_range(pl.len()).over("surface", "expiry") > 0)["row"].to_numpy()
    verdicts.drop(np.isin(chains.slice, other), "other_root")


def judge_vols(
    chains: Chains,
    vols: Float[np.ndarray, " quote"],
    z: Float[np.ndarray, " quote"],
    verdicts: Verdicts,
    filters: Filters,
) -> None:
    """Apply what needs a vol: its size, the distance |z| from the money, the gap between call and put of a strike.

    The gap is |call - put| over their mean.
    """
    with np.errstate(invalid="ignore"):
        verdicts.drop(vols < filters.min_implied_vol, "implied_vol_low")
        verdicts.drop(vols > filters.max_implied_vol, "implied_vol_high")
        verdicts.drop(~(np.abs(z) <= filters.max_standardised_moneyness), "far_strike")
    if filters.max_twin_gap is None:
        return
    kept = verdicts.kept
    calls, puts = chains.sides()
    call, put = (np.where((rows >= 0) & kept[rows], vols[rows], np.nan) for rows in (calls, puts))
    gap = 2 * np.abs(call - put) / (call + put)
    verdicts.drop(np.isnan(gap)[chains.strike_row], "no_twin")
    with np.errstate(invalid="ignore"):
        verdicts.drop((gap > filters.max_twin_gap)[chains.strike_row], "twin_gap")


def neighbour_median(
    vols: Float[np.ndarray, " strike"], slice_of: Int[np.ndarray, " strike"]
) -> Float[np.ndarray, " strike"]:
    """Median vol of the five strikes around each one (its own included; fewer at the ends of a slice).

    Rows must be ordered by slice and strike.
    """
    table = pl.DataFrame({"slice": slice_of, "vol": vols})
    median = pl.col("vol").rolling_median(NEIGHBOURS, min_samples=1, center=True).over("slice")
    return table.select(median).to_series().to_numpy()


def count_rejections(symbol: pl.Series, date: pl.Series, codes: Int[np.ndarray, " quote"]) -> pl.DataFrame:
    """Number of dropped quotes by date, symbol and reason (REJECTIONS)."""
    table = pl.DataFrame({"date": date, "symbol": symbol, "code": codes}).filter(pl.col("code") != CODE["used"])
    reason = pl.col("code").replace_strict(dict(enumerate(REASONS)), return_dtype=pl.String).alias("reason")
    counted = table.group_by("date", "symbol", "code").agg(pl.len().alias("quotes")).with_columns(reason)
    return counted.select(pl.col(name).cast(dtype) for name, dtype in REJECTIONS.columns.items()).sort(REJECTIONS.key)
