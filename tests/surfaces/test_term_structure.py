"""Forwards as data: growth and kinks against closed forms, routes and residuals against counts by hand."""

from datetime import datetime

import numpy as np
import polars as pl
import pytest

from ivyspt.surfaces import term_structure
from tests.surfaces.conftest import make_points

TAU = np.array([0.1, 0.3, 0.4, 1.0])


def curve(log_forward, surface="A 0", symbol="A"):
    """Slices of one surface, in no order."""
    frame = pl.DataFrame({"time_to_maturity": TAU, "forward": 100 * np.exp(log_forward)})
    named = frame.with_columns(
        surface_id=pl.lit(surface), symbol=pl.lit(symbol), quote_time=pl.lit(datetime(2024, 1, 2, 16))
    )
    return named.reverse()


def test_a_constant_carry_grows_evenly_and_has_no_kink():
    growth = term_structure.forward_growth(curve(0.03 * TAU))
    assert growth["growth"].to_numpy() == pytest.approx(300 * (TAU - 0.1))  # basis points
    assert growth["kink"].is_null().to_list() == [True, False, False, True]
    assert growth["kink"].drop_nulls().abs().max() < 1e-9
    carry = term_structure.carry_by_symbol(growth).row(0, named=True)
    assert carry["carry"] == pytest.approx(0.03)
    assert carry["surfaces"] == 1


def test_an_error_of_one_forward_is_its_kink():
    growth = term_structure.forward_growth(curve(0.03 * TAU + np.array([0.0, 0.0, 5e-4, 0.0])))
    # 5 bp at 0.4; the line from 0.1 to 0.4 at 0.3 is two thirds of that off
    assert growth["kink"].drop_nulls().to_list() == pytest.approx([-5 * 2 / 3, 5.0])
    assert term_structure.carry_by_symbol(growth)["kink"][0] == pytest.approx(5 * 5 / 6)


def test_carries_are_medians_over_surfaces():
    frames = [curve(rate * TAU, surface=f"A {rate}") for rate in (0.01, 0.02, 0.06)]
    single = curve(TAU, surface="B 0", symbol="B").head(1)
    found = term_structure.carry_by_symbol(term_structure.forward_growth(pl.concat([*frames, single])))
    row = found.row(0, named=True)
    assert found["symbol"].to_list() == ["A"]  # one slice has no carry
    assert [row["carry_q25"], row["carry"], row["carry_q75"]] == pytest.approx([0.015, 0.02, 0.04])


def test_slices_of_points():
    slices = term_structure.slices_of(make_points(symbols=("A",), days=2))
    assert slices["points"].to_list() == [9, 9, 9, 9]
    assert (365 * slices["time_to_maturity"]).to_list() == pytest.approx([30, 60, 30, 60])
    assert slices["forward"].to_list() == [100.0] * 4


SLICES = pl.DataFrame(
    {
        "time_to_maturity": [10 / 365, 12 / 365, 30 / 365, 30 / 365],
        "route": ["parity", "parity", "carry", "none"],
        "pairs": [4, 8, 2, 0],
        "residual": [1e-4, 3e-4, None, None],
        "quotes_used": [30, 50, 20, 0],
    }
)


def test_routes_count_slices_in_use():
    assert term_structure.routes(SLICES).rows() == [
        ("parity", 2, pytest.approx(2 / 3), 80, pytest.approx(0.8), 6.0),
        ("carry", 1, pytest.approx(1 / 3), 20, pytest.approx(0.2), 2.0),
    ]


def test_parity_residuals_are_in_basis_points_by_maturity():
    short, month = term_structure.parity_residuals(SLICES).iter_rows(named=True)
    assert (short["slices"], short["by_parity"]) == (2, 1.0)
    assert [short["median"], short["q90"]] == pytest.approx([2.0, 2.8])
    assert (month["slices"], month["by_parity"], month["median"]) == (1, 0.0, None)
