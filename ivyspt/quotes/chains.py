"""Quotes of many surfaces as flat arrays, numbered by surface, slice and strike."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from ivyspt import black
from ivyspt.columns import QUOTES

SURFACE = ("quote_time", "symbol")
SLICE = (*SURFACE, "root", "expiry")
MICROSECONDS_PER_MINUTE = 60_000_000


@dataclass(frozen=True)
class Chains:
    """Quotes in the order of their key, so that a slice's quotes, and within it a strike's call and put, are adjacent.

    `slices` has one row a slice: quote_time, symbol, root, expiry, time_to_maturity (years), underlying_price (NaN
    where unknown), american, surface (number). The arrays have one entry a quote; unknown prices are NaN.
    """

    quotes: pl.DataFrame
    slices: pl.DataFrame
    slice: Int[np.ndarray, " quote"]
    strike_row: Int[np.ndarray, " quote"]  # number of the (slice, strike)
    strike: Float[np.ndarray, " quote"]
    is_call: Bool[np.ndarray, " quote"]
    minutes_left: Int[np.ndarray, " quote"]
    bid: Float[np.ndarray, " quote"]
    ask: Float[np.ndarray, " quote"]
    mid: Float[np.ndarray, " quote"]  # of bid and ask; the mark where there is neither
    open_interest: Float[np.ndarray, " quote"]
    vendor_implied_vol: Float[np.ndarray, " quote"]

    @property
    def time_to_maturity(self) -> Float[np.ndarray, " quote"]:
        """Years, ACT/365 to the minute."""
        return self.minutes_left / black.MINUTES_PER_YEAR

    @property
    def surface(self) -> Int[np.ndarray, " slice"]:
        """Number of each slice's surface."""
        return self.slices["surface"].to_numpy()

    def sides(self) -> tuple[Int[np.ndarray, " strike"], Int[np.ndarray, " strike"]]:
        """Row of each strike's call and of its put; -1 where it has none."""
        strikes = int(self.strike_row.max(initial=-1)) + 1
        calls, puts = np.full(strikes, -1), np.full(strikes, -1)
        rows = np.arange(self.strike_row.size)
        calls[self.strike_row[self.is_call]] = rows[self.is_call]
        puts[self.strike_row[~self.is_call]] = rows[~self.is_call]
        return calls, puts


@dataclass(frozen=True)
class Prices:
    """Price of each quote; bid and ask are NaN where a vendor has none."""

    bid: Float[np.ndarray, " quote"]
    mid: Float[np.ndarray, " quote"]
    ask: Float[np.ndarray, " quote"]


def _changes(keys: tuple[str, ...]) -> pl.Expr:
    return pl.any_horizontal(pl.col(key).ne_missing(pl.col(key).shift()) for key in keys)


def chains_of(quotes: pl.DataFrame) -> Chains:
    """Order and number the quotes of whole surfaces (columns of QUOTES)."""
    quotes = quotes.sort(QUOTES.key)
    minutes = (pl.col("expiry") - pl.col("quote_time")).dt.total_microseconds() // MICROSECONDS_PER_MINUTE
    mid = (pl.col("bid") + pl.col("ask")) / 2
    table = quotes.select(
        surface=_changes(SURFACE).cum_sum() - 1,
        slice=_changes(SLICE).cum_sum() - 1,
        strike_row=_changes((*SLICE, "strike")).cum_sum() - 1,
        strike="strike",
        is_call=pl.col("option_type") == "call",
        minutes_left=minutes,
        bid="bid",
        ask="ask",
        mid=pl.coalesce(mid, "mark"),
        open_interest="open_interest",
        vendor_implied_vol="vendor_implied_vol",
    )
    slices = pl.concat([quotes.select(*SLICE, "underlying_price", "exercise"), table], how="horizontal")
    slices = slices.group_by("slice", maintain_order=True).agg(
        *(pl.col(name).first() for name in (*SLICE, "surface")),
        time_to_maturity=pl.col("minutes_left").first() / black.MINUTES_PER_YEAR,
        underlying_price=pl.col("underlying_price").drop_nulls().first().fill_null(float("nan")),
        american=(pl.col("exercise") == "american").any(),
    )
    arrays = {name: table[name].to_numpy() for name in table.columns if name not in {"surface", "slice", "strike_row"}}
    numbers = {name: table[name].cast(pl.Int64).to_numpy() for name in ("slice", "strike_row")}
    return Chains(quotes, slices.drop("slice").with_columns(pl.col("surface").cast(pl.Int64)), **numbers, **arrays)


def vendor_prices(chains: Chains, prior: Float[np.ndarray, " slice"]) -> Float[np.ndarray, " quote"]:
    """Prices behind a vendor's vols: European, on the spot price and the prior rate, without dividends.

    The vendor's own convention is unknown. An error dF in its forward moves call and put prices so that parity gives a
    forward wrong by the same dF, at which the vols, and their gaps to each other, are right to first order.
    """
    tau = chains.slices["time_to_maturity"].to_numpy()
    growth = np.exp(prior * tau)
    forward = (chains.slices["underlying_price"].to_numpy() * growth)[chains.slice]
    with np.errstate(invalid="ignore", divide="ignore"):
        price = black.price(forward, chains.strike, chains.time_to_maturity, chains.vendor_implied_vol, chains.is_call)
        return np.where(chains.vendor_implied_vol > 0, price / growth[chains.slice], np.nan)
