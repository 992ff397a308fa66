"""Residuals from neighbours are those of the least-squares parabola, and measure noise."""

import numpy as np
import polars as pl
import pytest

from ivyspt.surfaces.smile_noise import (
    MAD,
    example_surfaces,
    neighbour_weights,
    noise_by,
    noise_by_maturity,
    noise_of_surfaces,
    smile_residuals,
    surface_noise,
)
from tests.surfaces.conftest import make_points

EVEN = np.sqrt(35 / 18)  # sqrt(1 + (2/3)^2 + (2/3)^2 + (1/6)^2 + (1/6)^2): even strikes


def smiles(vol, strikes=9, **shape):
    """Two slices with `vol` of log-moneyness."""
    points = make_points(symbols=("A",), days=1, strikes=strikes, **shape)
    return points.with_columns(implied_vol=pl.Series(vol(points["log_moneyness"].to_numpy())))


def test_weights_of_even_neighbours_are_those_of_the_textbook():
    weights = neighbour_weights(np.array([[-2.0, -1.0, 1.0, 2.0]]))
    assert weights[0] == pytest.approx([-1 / 6, 2 / 3, 2 / 3, -1 / 6], abs=1e-14)


def test_weights_are_the_least_squares_parabola_at_any_spacing():
    generator = np.random.default_rng(0)
    offset = np.sort(generator.normal(size=(20, 4)), axis=1)
    vol = generator.random((20, 4))
    fitted = [np.polyval(np.polyfit(k, v, 2), 0.0) for k, v in zip(offset, vol, strict=True)]
    # polyfit squares the condition number of close neighbours
    assert (neighbour_weights(offset) * vol).sum(axis=1) == pytest.approx(fitted, rel=1e-7, abs=1e-7)


def test_a_parabola_has_no_residual_and_ends_are_not_judged():
    residuals = smile_residuals(smiles(lambda k: 0.2 - 0.1 * k + 0.7 * k**2))
    assert residuals["residual"].drop_nulls().abs().max() < 1e-10
    assert residuals["residual"].is_null().to_list() == 2 * ([True] * 2 + [False] * 5 + [True] * 2)
    judged = residuals.drop_nulls("neighbour_vol")
    assert judged["neighbour_vol"].to_numpy() == pytest.approx(judged["implied_vol"].to_numpy(), abs=1e-12)


def test_one_stale_quote_is_off_by_its_error_and_hardly_moves_the_noise():
    points = smiles(lambda k: np.full(k.size, 0.2), strikes=13)
    stale = points.with_columns(
        implied_vol=pl.when(pl.col("point") == 6).then(0.3).otherwise("implied_vol")  # 10 vol points, mid-slice
    )
    residuals = smile_residuals(stale)
    assert residuals["residual"][6] == pytest.approx(10 / EVEN)
    assert residuals["residual"][5] == pytest.approx(-10 * 2 / 3 / EVEN)  # its neighbour is told wrong
    # five of eighteen residuals are touched
    assert surface_noise(residuals)["noise"][0] == pytest.approx(0.0, abs=1e-10)
    assert surface_noise(residuals)["largest"][0] == pytest.approx(10 / EVEN)


def test_slices_are_judged_apart():
    points = smiles(lambda k: np.full(k.size, 0.2), strikes=4)
    assert smile_residuals(points)["residual"].null_count() == 8


def test_points_at_one_strike_are_not_judged():
    points = smiles(lambda k: k).with_columns(log_moneyness=pl.lit(0.1))
    assert smile_residuals(points)["residual"].null_count() == points.height


def test_noise_is_the_standard_deviation_of_normal_noise():
    noise = np.random.default_rng(1).normal(scale=0.005, size=4000)  # half a vol point
    residuals = smile_residuals(smiles(lambda k: 0.2 + k**2 + noise, strikes=2000))
    # the median of 3992 dependent residuals has a standard error of about 2 %
    assert surface_noise(residuals)["noise"][0] == pytest.approx(0.5, rel=0.06)


def made_up(sizes):
    """Residuals by surface, in vol points."""
    rows = [(name, value) for name, values in sizes.items() for value in values]
    frame = pl.DataFrame(rows, schema={"surface_id": pl.String, "residual": pl.Float64}, orient="row")
    return frame.with_columns(
        symbol=pl.col("surface_id").str.slice(0, 1),
        quote_time=pl.datetime(2024, 1, 2),
        tier=pl.lit("liquid"),
        time_to_maturity=pl.lit(30 / 365),
        implied_vol_bid=pl.lit(0.2),
        implied_vol_ask=pl.lit(0.21),
    )


SIZES = {"A1": [1, -2, 3, -4, 5], "A2": [0.1, 0.1, -0.1, 0.1, 9.0], "B1": [7, 7, 7, 7, None]}


def test_surfaces_are_ranked_by_their_median_residual():
    noise = surface_noise(made_up(SIZES))
    assert noise["surface_id"].to_list() == ["A2", "A1", "B1"]
    assert noise["noise"].to_list() == pytest.approx([0.1 * MAD, 3 * MAD, None])
    assert noise["residuals"].to_list() == [5, 5, 4]


def test_noise_of_a_symbol_is_that_of_all_its_points():
    found = noise_by(made_up(SIZES), "symbol").to_dicts()
    assert [row["points"] for row in found] == [10, 4]
    assert [row["noise"] for row in found] == pytest.approx([1.5 * MAD, 7 * MAD])  # .1 .1 .1 .1 1 2 3 4 5 9
    assert found[0]["q90"] == pytest.approx(5.4)
    assert [row["half_spread"] for row in found] == pytest.approx([0.5, 0.5])
    assert noise_by_maturity(made_up(SIZES))["maturity"].to_list() == ["15 to 45 days"]


def test_noise_of_surfaces_leaves_out_what_is_not_ranked():
    noise = surface_noise(made_up(SIZES)).with_columns(tier=pl.lit("liquid"))
    row = noise_of_surfaces(noise, "tier").row(0, named=True)
    assert row["surfaces"] == 2
    assert row["median"] == pytest.approx(1.55 * MAD)


def test_examples_are_the_tenth_the_median_and_the_last():
    names = [f"S{number:02}" for number in range(21)]
    noise = pl.DataFrame({"surface_id": names, "noise": np.arange(21.0)}).with_columns(
        noise=pl.when(pl.col("surface_id") != "S20").then("noise")
    )
    assert example_surfaces(noise) == {"good": "S01", "typical": "S09", "worst": "S19"}
    assert example_surfaces(noise.clear()) == {}
