"""Where errors are, on made-up tables whose answers are known."""

from datetime import datetime

import polars as pl
import pytest

from ivyspt.evaluation import breakdown


def make_errors(values, run="ours", seed=0, region="all", points=10):
    """Errors of surfaces 0, 1, …, alternately of two symbols on two days."""
    return pl.DataFrame(
        [
            {
                **{"run": run, "seed": seed, "tier": "liquid", "mask": "random_9", "surface_id": f"s{number:02d}"},
                **{"symbol": "AB"[number % 2], "quote_time": datetime(2024, 1, 2 + number % 2, 16), "region": region},
                **{"rmse": float(value), "mse": (value / 100) ** 2, "bias": 0.5 * value, "points": points},
                **{"outside_bid_ask": None, "price_error": None},
            }
            for number, value in enumerate(values)
        ],
        schema_overrides={"outside_bid_ask": pl.Float64, "price_error": pl.Float64, "points": pl.UInt32},
    )


def test_surfaces_are_means_over_seeds():
    errors = pl.concat([make_errors([1, 2]), make_errors([3, 6], seed=1), make_errors([9, 9], region="inside")])
    assert breakdown.by_surface(errors).select("rmse", "bias", "seeds").rows() == [(2.0, 1.0, 2), (4.0, 2.0, 2)]


def test_the_worst_tenth_holds_its_share_of_squares():
    surfaces = breakdown.by_surface(make_errors([1] * 18 + [3, 4]))  # squares 18 + 9 + 16; two surfaces are a tenth
    row = breakdown.distribution(surfaces).row(0, named=True)
    assert row["worst_share"] == pytest.approx(25 / 43)
    assert (row["surfaces"], row["median"], row["largest"]) == (20, 1.0, 4.0)


def test_errors_by_symbol_and_day():
    surfaces = breakdown.by_surface(make_errors([1, 2, 3, 4]))
    assert breakdown.by(surfaces, "symbol").select("symbol", "rmse", "surfaces").rows() == [
        ("A", 2.0, 2),
        ("B", 3.0, 2),
    ]
    assert breakdown.by(surfaces, "date")["rmse"].to_list() == [2.0, 3.0]


def test_rmse_by_hull_is_pooled_over_targets():
    errors = pl.concat([make_errors([1, 3], region="inside", points=30), make_errors([2], region="outside", points=20)])
    table = breakdown.by_hull(errors)
    assert table["rmse"].to_list() == pytest.approx([5**0.5, 2.0])  # (1 + 9) / 2
    assert table["share"].to_list() == pytest.approx([0.75, 0.25])


def test_ranks_of_two_methods_on_the_same_surfaces():
    errors = pl.concat([make_errors([1, 2, 3, 5]), make_errors([10, 30, 20, 40], run="other")])
    pairs = breakdown.beside(breakdown.by_surface(errors), "ours", "other")
    assert pairs.select("rmse", "rmse_other").rows() == [(1, 10), (2, 30), (3, 20), (5, 40)]
    assert breakdown.rank_correlation(pairs) == pytest.approx(0.8)
    assert breakdown.rank_correlation(pairs.with_columns(rmse_other=1.0)) is None


def test_examples_go_from_good_to_worst():
    surfaces = breakdown.by_surface(make_errors(range(1, 12)))
    assert breakdown.examples(surfaces, "ours") == {"good": "s01", "typical": "s05", "worst": "s10"}
