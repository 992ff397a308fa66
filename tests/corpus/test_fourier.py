"""Heston and Bates prices: QuantLib's engines, published values, the limits of Black and Merton."""

import numpy as np
import pytest
import QuantLib

from ivyspt import black
from ivyspt.corpus.bates import BatesProcess, draw_bates
from ivyspt.corpus.fourier import out_of_the_money
from ivyspt.corpus.heston import HestonProcess, draw_heston
from ivyspt.corpus.pools import fourier_vols
from ivyspt.corpus_config import Bates, Heston


def heston(v=0.04, long=0.04, kappa=1.5, nu=0.5, rho=-0.7):
    return HestonProcess(*(np.array([value]) for value in (v, long, kappa, nu, rho)))


def prices(process, k, tau):
    """Out-of-the-money prices at one maturity, in the order of k."""
    k = np.asarray(k, float)
    times = np.array([[tau]])
    short, long, speed = process.reference()
    std = np.sqrt(long * tau - (short - long) * np.expm1(-speed * tau) / speed)[:, None]
    calls = out_of_the_money(process, np.maximum(k, 0)[None, None], times, std, right=True)[0, 0]
    puts = out_of_the_money(process, np.minimum(k, 0)[None, None], times, std, right=False)[0, 0]
    return np.where(k >= 0, calls, puts)


def quantlib_prices(process, k, tau, jumps=None):
    """QuantLib's prices of the same options without rates; the maturity is rounded to its calendar days."""
    today = QuantLib.Date(2, 1, 2026)
    QuantLib.Settings.instance().evaluationDate = today
    days = QuantLib.Actual365Fixed()
    none = QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(today, 0.0, days))
    spot = QuantLib.QuoteHandle(QuantLib.SimpleQuote(1.0))
    v, long, kappa, nu, rho = (
        float(each[0]) for each in (process.short, process.long, process.speed, process.volatility, process.correlation)
    )
    if jumps is None:
        model = QuantLib.HestonModel(QuantLib.HestonProcess(none, none, spot, v, kappa, long, nu, rho))
        engine = QuantLib.AnalyticHestonEngine(model, 1e-13, 100_000)
    else:
        model = QuantLib.BatesModel(QuantLib.BatesProcess(none, none, spot, v, kappa, long, nu, rho, *jumps))
        engine = QuantLib.BatesEngine(model, 1e-13, 100_000)
    found = []
    for strike, side in zip(
        np.exp(k), np.where(np.asarray(k) >= 0, QuantLib.Option.Call, QuantLib.Option.Put), strict=True
    ):
        expiry = QuantLib.EuropeanExercise(today + round(365 * tau))
        option = QuantLib.VanillaOption(QuantLib.PlainVanillaPayoff(int(side), float(strike)), expiry)
        option.setPricingEngine(engine)
        found.append(option.NPV())
    return np.array(found)


@pytest.mark.parametrize("days", [7, 30, 182, 730])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"v": 0.09, "long": 0.03, "kappa": 5.0, "nu": 1.1, "rho": -0.85},
        {"v": 0.02, "long": 0.06, "kappa": 0.8, "nu": 0.7, "rho": 0.3},
    ],
)
def test_heston_prices_are_quantlibs(parameters, days):
    process, tau = heston(**parameters), days / 365
    k = np.array([-2.0, -1.0, -0.3, 0.0, 0.3, 1.0, 1.5]) * 0.25 * np.sqrt(tau)
    # the engine's adaptive integral is good to about 1e-11
    np.testing.assert_allclose(prices(process, k, tau), quantlib_prices(process, k, tau), rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("days", [7, 91, 365])
def test_bates_prices_are_quantlibs(days):
    tau, jumps = days / 365, (0.8, -0.08, 0.06)
    process = BatesProcess(heston(), *(np.array([each]) for each in jumps))
    k = np.array([-2.0, -1.0, -0.3, 0.0, 0.3, 1.0, 1.5]) * 0.25 * np.sqrt(tau)
    expected = quantlib_prices(heston(), k, tau, jumps)
    np.testing.assert_allclose(prices(process, k, tau), expected, rtol=1e-7, atol=1e-10)


def test_published_heston_price():
    # Fang & Oosterlee (2008), "A novel pricing method for European options based on Fourier-cosine series expansions",
    # section 5.2: S = K = 100, r = q = 0, T = 1, Feller's condition violated; reference value 5.785155450
    process = heston(v=0.0175, long=0.0398, kappa=1.5768, nu=0.5751, rho=-0.5711)
    # to its authors' accuracy: QuantLib's engine gives 5.785155434376 at its tightest tolerance
    assert 100 * prices(process, [0.0], 1.0)[0] == pytest.approx(5.785155450, abs=2e-8)


def test_published_heston_price_of_ten_years():
    # the same with T = 10; reference value 22.318945791
    process = heston(v=0.0175, long=0.0398, kappa=1.5768, nu=0.5751, rho=-0.5711)
    assert 100 * prices(process, [0.0], 10.0)[0] == pytest.approx(22.318945791, abs=1e-8)


def test_a_variance_that_hardly_moves_gives_blacks_prices():
    process, tau = heston(nu=1e-4, rho=0.0), 0.4
    std = 0.2 * np.sqrt(tau)
    k = std * np.array([-6.0, -3.0, 0.0, 2.0, 6.0])
    expected = black.price(np.ones(5), np.exp(k), np.full(5, tau), np.full(5, 0.2), k >= 0)
    np.testing.assert_allclose(prices(process, k, tau), expected, rtol=1e-5)  # nu^2 tau^2 z^4 / 24


def test_merton_prices_are_poisson_sums_of_blacks():
    # jumps alone: Merton (1976), a Poisson mixture of Black's prices
    tau, std, intensity, mean, jump_std = 0.25, 0.15, 1.2, -0.1, 0.08
    flat = heston(v=std**2, long=std**2, nu=1e-5, rho=0.0)
    process = BatesProcess(flat, np.array([intensity]), np.array([mean]), np.array([jump_std]))
    k = np.array([-0.5, -0.2, -0.05, 0.0, 0.1, 0.3])
    drift = intensity * np.expm1(mean + jump_std**2 / 2)
    expected, weight = np.zeros(6), np.exp(-intensity * tau)
    for count in range(40):
        variance = std**2 * tau + count * jump_std**2
        forward = np.full(6, np.exp(count * (mean + jump_std**2 / 2) - drift * tau))
        vol = np.full(6, np.sqrt(variance / tau))
        expected += weight * black.price(forward, np.exp(k), np.full(6, tau), vol, k >= 0)
        weight *= intensity * tau / (count + 1)
    np.testing.assert_allclose(prices(process, k, tau), expected, rtol=1e-6)


@pytest.mark.parametrize("draw", ["heston", "bates"])
def test_calls_and_puts_meet_at_the_money(draw):
    generator = np.random.default_rng(5)
    process = draw_heston(40, Heston(), generator) if draw == "heston" else draw_bates(40, Bates(), generator)
    tau = np.tile([0.02, 0.2, 1.0, 3.0], (40, 1))
    short, long, speed = (level[:, None] for level in process.reference())
    std = np.sqrt(long * tau - (short - long) * np.expm1(-speed * tau) / speed)
    call, put = (out_of_the_money(process, np.zeros((40, 4, 1)), tau, std, right) for right in (True, False))
    # parity at the forward; jumps of hardly any spread, beside little diffusion, cost digits
    np.testing.assert_allclose(call, put, rtol=1e-10 if draw == "heston" else 2e-5)


def test_far_wings_keep_their_digits():
    process, tau = heston(), np.array([[0.1]])
    std = 0.2 * np.sqrt(0.1)
    vols = fourier_vols(process, np.linspace(8, -8, 33)[None, None] * std, tau, np.array([[std]]))[0, 0]
    assert np.isfinite(vols).all()
    # smooth: fourth differences of a smile in steps of half a standard deviation are small
    assert np.abs(np.diff(vols, 4)).max() < 0.02


def test_moments_stay_finite_as_long_as_the_closed_form_says():
    # Andersen & Piterbarg (2007): the moment is the limit of finite ones; log M grows without bound towards explosion
    process, order = heston(nu=0.9, rho=0.2), np.array([4.0])
    times = np.linspace(0.05, 20, 4000)
    finite = np.array([process.finite(order, np.array([t]))[0] for t in times])
    last = times[finite].max()
    assert 0.1 < last < 19
    before = process.log_moment(order.astype(complex), np.array([0.9 * last])).real[0]
    near = process.log_moment(order.astype(complex), np.array([last])).real[0]
    assert near > before > 0
