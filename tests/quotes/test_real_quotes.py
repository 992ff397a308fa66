"""What must hold on real quotes; bounded slices of the feeds in the folder named by IVYSPT_DATA."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ivyspt.config import Data, Filters, Forwards, Surfaces
from ivyspt.implied_vol import implied_vol
from ivyspt.quotes import megacaps, spx_short_dated, us_panel
from ivyspt.quotes.chains import Prices, chains_of, vendor_prices
from ivyspt.quotes.curves import imply_curve, pairs_of
from ivyspt.quotes.filters import judge_prices
from ivyspt.quotes.rates import prior_rate, read_treasury_curve
from ivyspt.surfaces.build import build, undiscounted_vols

FOLDER = Path(os.environ.get("IVYSPT_DATA", "absent"))
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the data folder named by the environment's IVYSPT_DATA"),
]
RATES = str(FOLDER / "market-features")
FORWARDS = Forwards(rates_dir=RATES)
MONEY = 0.5  # |z| of a pair at the money


def data_of(feed, **options):
    return Data(adapter="given", label=feed, simulated=False, data_dir=str(FOLDER / feed), **options)


def at_the_money_gaps(chains, prices, curve, calls, puts):
    """Gap between call and put vol of the pairs within half a standard deviation, in vol points."""
    call, put = (100 * undiscounted_vols(chains, curve, prices.mid, rows) for rows in (calls, puts))
    std = (call + put) / 200 * np.sqrt(chains.time_to_maturity[calls])
    with np.errstate(invalid="ignore"):
        near = np.abs(np.log(chains.strike[calls] / curve.forward[chains.slice[calls]])) < MONEY * std
    return np.abs(call - put)[near], near


def test_implied_forward_closes_the_panel_s_gap_between_calls_and_puts():
    """Liquid tier, first three days: on pairs the forward never saw the gap falls from 1.3 vol points to below 0.3."""
    tiers = pl.read_csv(FOLDER / "us-panel-2026" / "symbol_tiers_dev.csv")
    quotes, _ = us_panel.read(data_of("us-panel-2026", first_date="2026-05-26", last_date="2026-05-28"))
    liquid = tiers.filter(pl.col("tier") == "liquid")["symbol"]
    chains = chains_of(quotes.filter(pl.col("symbol").is_in(liquid.implode())))
    tau = chains.slices["time_to_maturity"].to_numpy()
    prior = prior_rate(read_treasury_curve(RATES), chains.slices["quote_time"].dt.date(), tau, 0.0)
    nothing = np.full(chains.mid.size, np.nan)
    prices = Prices(nothing, vendor_prices(chains, prior), nothing)
    kept = judge_prices(chains, prices, Filters(min_open_interest=1)).kept
    pairs = pairs_of(chains, kept, prices)
    left_out = (np.arange(pairs.slice.size) - np.searchsorted(pairs.slice, pairs.slice)) % 5 == 2
    curve = imply_curve(chains, pairs.take(~left_out), prior, FORWARDS)
    calls, puts = chains.sides()
    both = (calls >= 0) & (puts >= 0)
    both[both] &= kept[calls[both]] & kept[puts[both]]
    calls, puts = calls[both][left_out], puts[both][left_out]
    parity = curve.route[chains.slice[calls]] == "parity"
    calls, puts = calls[parity], puts[parity]
    gap, near = at_the_money_gaps(chains, prices, curve, calls, puts)
    vendor = 100 * np.abs(chains.vendor_implied_vol[calls] - chains.vendor_implied_vol[puts])[near]
    assert near.sum() > 10_000
    assert np.median(vendor) > 1.2
    assert np.median(gap) <= 0.3


@pytest.fixture(scope="module")
def megacap_quotes():
    quotes, _ = megacaps.read(data_of("megacaps-bidask-2026", first_date="2026-06-10", last_date="2026-06-11"))
    return quotes


def test_megacaps_vols_are_the_ask_s_on_spot_without_a_rate(megacap_quotes):
    """What the file's own vols are: the ask inverted at F = spot, D = 1, and a day more than the days to expiry."""
    quotes = megacap_quotes.filter(pl.col("vendor_implied_vol") > 0, pl.col("bid") > 0)
    tau = ((quotes["expiry"] - quotes["quote_time"]).dt.total_days().to_numpy() + 1) / 365
    spot, strike, ask = (quotes[name].to_numpy() for name in ("underlying_price", "strike", "ask"))
    own = implied_vol(ask, spot, strike, tau, (quotes["option_type"] == "call").to_numpy())
    gap = 100 * np.abs(own - quotes["vendor_implied_vol"].to_numpy())
    assert np.nanmedian(gap) < 0.02  # the file's spot, ask and vol are rounded


def test_our_megacap_vols_agree_with_the_file_s_own(megacap_quotes):
    """Near the money, where the mean of call and put forgives the file's forward; its ask and its day count."""
    options = Surfaces(exercise="de_americanise", forwards=FORWARDS)
    points = build(megacap_quotes, options, read_treasury_curve(RATES)).points
    key = ["quote_time", "symbol", "expiry", "strike"]
    file = megacap_quotes.filter(pl.col("vendor_implied_vol") > 0).group_by(key)
    file = file.agg(pl.col("vendor_implied_vol").mean(), pl.len().alias("sides")).filter(pl.col("sides") == 2)
    tau = pl.col("time_to_maturity")
    near = pl.col("log_moneyness").abs() < MONEY * pl.col("implied_vol") * tau.sqrt()
    joined = points.join(file, on=key).filter(near)
    own = pl.col("implied_vol_ask") * (tau / (tau + 1 / 365)).sqrt()
    gap = joined.select(100 * (own - pl.col("vendor_implied_vol")).abs()).to_series()
    assert joined.height > 500
    assert gap.median() <= 0.5


def test_spx_forwards_lie_on_their_neighbours_carry_line():
    quotes, _ = spx_short_dated.read(data_of("spx-shortdated-2026", max_days=20))
    options = Surfaces(forwards=FORWARDS, filters=Filters(min_time_to_maturity=0.0025))
    slices = build(quotes, options, read_treasury_curve(RATES)).slices.filter(pl.col("route") == "parity")
    log_forward, tau = pl.col("forward").log(), pl.col("time_to_maturity")
    share = (tau - tau.shift(1)) / (tau.shift(-1) - tau.shift(1))
    line = log_forward.shift(1) + share * (log_forward.shift(-1) - log_forward.shift(1))
    off = slices.sort("quote_time", "expiry").select((1e4 * (log_forward - line).abs()).over("surface_id")).to_series()
    assert off.drop_nulls().len() > 60
    assert off.median() <= 3.0
