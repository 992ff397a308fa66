"""The discount curve: what it looks at, and how quotes and prior share it."""

import numpy as np
import polars as pl
import pytest

from ivyspt.columns import DataError
from ivyspt.quotes.rates import MATURITIES, RATES_FILE, pooled_rate, prior_rate, read_treasury_curve

HEADER = "date,SOFR," + ",".join(MATURITIES)


@pytest.fixture
def rates_dir(tmp_path):
    lines = [HEADER, "2026-06-08,3.6,3,3.1,3.2,4,4.2,4.4,4.6", "2026-06-09,3.6,,,,,,,", "2026-06-10,3.6,5,5,5,5,5,5,5"]
    (tmp_path / RATES_FILE).write_text("\n".join(lines))
    return str(tmp_path)


def rate_on(rates_dir, day, tau):
    dates = pl.Series([day] * len(tau)).str.to_date()
    return prior_rate(read_treasury_curve(rates_dir), dates, np.array(tau), flat=0.5)


def test_yields_are_interpolated_and_compound_continuously(rates_dir):
    found = rate_on(rates_dir, "2026-06-09", [1 / 365, 0.25, 0.75, 1.0, 30.0])
    # bond-equivalent yields: exp(r) = (1 + y / 2)²
    percent = 100 * 2 * (np.exp(found / 2) - 1)
    assert percent == pytest.approx(
        [3.0, 3.1, 3.6, 4.0, 4.6], abs=5e-4
    )  # the mean of two logs is not the log of a mean


def test_only_earlier_days_are_looked_at(rates_dir):
    assert rate_on(rates_dir, "2026-06-10", [1.0]) == pytest.approx(rate_on(rates_dir, "2026-06-09", [1.0]))
    assert rate_on(rates_dir, "2026-06-11", [1.0]) == pytest.approx(2 * np.log(1.025))


def test_a_curve_that_begins_too_late_is_refused(rates_dir):
    with pytest.raises(DataError, match="must begin before the first quote"):
        rate_on(rates_dir, "2026-06-08", [1.0])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=RATES_FILE):
        read_treasury_curve(str(tmp_path))


def test_without_a_curve_the_rate_is_flat():
    assert (prior_rate(None, pl.Series(["2026-06-09"]).str.to_date(), np.array([1.0]), flat=0.02) == 0.02).all()


def test_exact_rates_are_reproduced_and_missing_ones_filled_from_the_curve():
    tau = np.array([0.1, 0.5, 1.0, 2.0])
    loading = (1 - np.exp(-tau)) / tau
    truth = 0.02 + 0.03 + 0.01 * loading
    implied, error = np.where([1, 1, 0, 1], truth, np.nan), np.array([1e-6, 1e-6, np.inf, 1e-6])
    curve, share = pooled_rate(implied, error, np.full(4, 0.02), tau, np.zeros(4, dtype=int), prior_std=0.05)
    np.testing.assert_allclose(curve, truth, atol=1e-6)
    assert share.min() > 0.999


def test_surfaces_do_not_share_quotes_and_doubtful_ones_fall_back_to_the_prior():
    tau, surface = np.array([0.1, 0.5, 0.1, 0.5]), np.array([0, 0, 1, 1])
    implied, error = np.array([0.09, 0.09, 0.5, -0.5]), np.array([1e-4, 1e-4, np.inf, np.inf])
    curve, share = pooled_rate(implied, error, np.full(4, 0.03), tau, surface, prior_std=0.05)
    np.testing.assert_allclose(curve[:2], 0.09, atol=1e-3)
    np.testing.assert_allclose(curve[2:], 0.03, atol=1e-12)
    assert share[0] > 0.99
    assert share[2:] == pytest.approx(0.0, abs=1e-12)


def test_one_wild_expiry_does_not_bend_the_curve():
    tau = np.linspace(0.1, 2.0, 12)
    implied, error = np.full(12, 0.04), np.full(12, 0.001)
    implied[5] = 0.4
    curve, _ = pooled_rate(implied, error, np.full(12, 0.03), tau, np.zeros(12, dtype=int), prior_std=0.05)
    assert np.abs(curve - 0.04).max() < 0.002
