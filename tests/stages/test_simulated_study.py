"""Quotes of the simulated market, built into surfaces, give back the exact surfaces behind them."""

import numpy as np
import polars as pl
import pytest

from ivyspt.artefacts import read_table, write_table
from ivyspt.columns import POINTS
from ivyspt.config import Data, Surfaces
from ivyspt.quotes import simulated
from ivyspt.quotes.simulated_market import Options, simulate, total_variance
from ivyspt.stages import build_surfaces

CHAIN = {"symbols": 2, "expiries": 3, "weeklies": 2, "strike_step": 0.03}
OPTIONS = {"seed": 5, "days": 4, "start": "2024-01-02", "liquid": CHAIN, "sparse": {**CHAIN, "symbols": 1}}


@pytest.fixture(scope="module")
def exact(tmp_path_factory):
    """Built points with the exact forward and vol at each strike and expiry."""
    folder = tmp_path_factory.mktemp("simulated")
    quotes, _ = simulated.read(Data(adapter="simulated", label="simulated", simulated=True, options=OPTIONS))
    write_table(quotes, folder / "quotes.parquet")
    names = ("quotes", "all_points", "slices", "rejections")
    build_surfaces.run(
        build_surfaces.Settings(surfaces=Surfaces(min_points=8)), **{name: folder / f"{name}.parquet" for name in names}
    )
    points, market = read_table(folder / "all_points.parquet", POINTS), simulate(Options.model_validate(OPTIONS))
    frames = []
    for path in market.symbols:
        for number, day in enumerate(market.days):
            rows = points.filter((pl.col("symbol") == path.symbol) & (pl.col("quote_time").dt.date() == day))
            tau = rows["time_to_maturity"].to_numpy()
            forward = path.spot[number] * np.exp((market.rate[number] - path.dividend_yield) * tau)
            w = total_variance(path.parameters[number], np.log(rows["strike"].to_numpy() / forward), tau)[0]
            frames.append(rows.with_columns(exact_vol=pl.Series(np.sqrt(w / tau)), exact_forward=pl.Series(forward)))
    return pl.concat(frames)


def test_every_surface_of_every_day_is_built(exact):
    assert exact["surface_id"].n_unique() == 3 * 4


def test_parity_gives_the_forward(exact):
    error = (exact["forward"] / exact["exact_forward"] - 1).abs()
    assert error.median() < 2e-4  # of the forward: some ticks and half a spread, over many pairs
    assert error.max() < 5e-3


def test_vols_are_the_exact_ones_within_the_quoted_band(exact):
    gap = (exact["implied_vol"] - exact["exact_vol"]).abs()
    assert gap.median() < 0.002  # half a spread is 0.2 vol points and 1 % of the price
    slack = 0.002  # of the forward's error
    inside = (exact["implied_vol_bid"] - slack <= exact["exact_vol"]) & (
        exact["exact_vol"] <= exact["implied_vol_ask"] + slack
    )
    assert inside.mean() > 0.98
