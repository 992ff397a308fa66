"""Small tables of points."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from ivyspt.columns import POINTS, TIERED_POINTS, check


def make_points(symbols=("A", "B", "C"), days=5, strikes=9, seed=0):
    """Surfaces of two maturities (30 and 60 days); the two points at the money of a maturity are one mask group."""
    generator = np.random.default_rng(seed)
    k = np.linspace(-0.2, 0.2, strikes)
    frames = []
    for day in range(days):
        quote_time = datetime(2024, 1, 1, 16) + timedelta(days=day)
        for symbol in symbols:
            point = np.arange(2 * strikes)
            group = np.where(point % strikes == strikes // 2 + 1, point - 1, point)
            tau = np.repeat([30 / 365, 60 / 365], strikes)
            vol = 0.3 + 0.5 * np.tile(k, 2) ** 2 + 0.05 * generator.random(2 * strikes)
            frames.append(
                pl.DataFrame(
                    {"log_moneyness": np.tile(k, 2), "time_to_maturity": tau, "implied_vol": vol}
                ).with_columns(
                    pl.lit(f"{symbol} {day}").alias("surface_id"),
                    pl.lit(quote_time).alias("quote_time"),
                    pl.lit(symbol).alias("symbol"),
                    pl.lit(quote_time + timedelta(days=60)).alias("expiry"),
                    (100 * pl.col("log_moneyness").exp()).alias("strike"),
                    pl.lit(100.0).alias("forward"),
                    pl.Series("point", point, dtype=pl.UInt32),
                    pl.Series("mask_group", group, dtype=pl.UInt32),
                )
            )
    return check(pl.concat(frames), POINTS, "test")


def make_tiered(sparse=("C",), **shape):
    """The same with tiers; every point is visible."""
    tier = pl.when(pl.col("symbol").is_in(sparse)).then(pl.lit("sparse")).otherwise(pl.lit("liquid"))
    return check(make_points(**shape).with_columns(tier.alias("tier"), visible=True), TIERED_POINTS, "test")


@pytest.fixture
def points():
    return make_points()


@pytest.fixture
def tiered():
    return make_tiered()
