"""Early-exercise premium against published values, an accurate independent engine, and what theory forbids."""

import numpy as np
import pytest
import QuantLib

from ivyspt import black
from ivyspt.quotes.american import early_exercise_premium

# Ju & Zhong (1999), table of put values: spot 40, rate 4.88 %, no dividends; strike, years, vol, their formula's value
PUBLISHED = [
    (35, 0.0833, 0.2, 0.006),
    (35, 0.3333, 0.2, 0.201),
    (40, 0.0833, 0.2, 0.851),
    (40, 0.3333, 0.2, 1.576),
    (40, 0.5833, 0.2, 1.984),
    (45, 0.3333, 0.2, 5.084),
    (45, 0.5833, 0.2, 5.260),
    (40, 0.5833, 0.4, 4.342),
]


def european(*terms):
    spot, strike, tau, vol, is_call, rate, dividend_yield = terms
    forward = spot * np.exp((rate - dividend_yield) * tau)
    return np.exp(-rate * tau) * black.price(forward, strike, tau, vol, is_call)


def markets(count=400, seed=0):
    """Spot, strike, years, vol, side, rate, yield of listed single names."""
    generator = np.random.default_rng(seed)
    tau = generator.integers(7, 500, count) / 365
    vol = generator.uniform(0.15, 0.8, count)
    strike = 100 * np.exp(np.clip(generator.normal(0, 1.2, count), -3, 3) * vol * np.sqrt(tau))
    rate, dividend_yield = generator.uniform(0.01, 0.06, count), generator.uniform(0.0, 0.04, count)
    return np.full(count, 100.0), strike, tau, vol, generator.random(count) < 0.5, rate, dividend_yield


def accurate_price(*terms):
    """American price by the fixed-point engine of Andersen, Lake & Offengenden (2016)."""
    spot, strike, tau, vol, is_call, rate, dividend_yield = terms
    days = round(tau * 365)
    today = QuantLib.Date(2, 1, 2026)
    QuantLib.Settings.instance().evaluationDate = today
    day_count = QuantLib.Actual365Fixed()
    curves = [
        QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(today, float(r), day_count))
        for r in (dividend_yield, rate)
    ]
    vols = QuantLib.BlackVolTermStructureHandle(
        QuantLib.BlackConstantVol(today, QuantLib.NullCalendar(), float(vol), day_count)
    )
    process = QuantLib.BlackScholesMertonProcess(QuantLib.QuoteHandle(QuantLib.SimpleQuote(float(spot))), *curves, vols)
    payoff = QuantLib.PlainVanillaPayoff(QuantLib.Option.Call if is_call else QuantLib.Option.Put, float(strike))
    option = QuantLib.VanillaOption(payoff, QuantLib.AmericanExercise(today, today + int(days)))
    option.setPricingEngine(QuantLib.QdFpAmericanEngine(process, QuantLib.QdFpAmericanEngine.accurateScheme()))
    return option.NPV()


@pytest.mark.parametrize(("strike", "tau", "vol", "published"), PUBLISHED)
def test_puts_agree_with_the_published_values(strike, tau, vol, published):
    terms = [np.array([float(each)]) for each in (40, strike, tau, vol)]
    rate, dividend_yield, put = np.array([0.0488]), np.array([0.0]), np.array([False])
    premium = early_exercise_premium(*terms, put, rate=rate, dividend_yield=dividend_yield)
    price = european(*terms, put, rate, dividend_yield) + premium
    assert price[0] == pytest.approx(published, abs=1.1e-3)  # three printed decimals; tau printed with four


def test_premium_is_accurate_to_hundredths_of_a_vol_point():
    spot, strike, tau, vol, _, rate, dividend_yield = terms = markets()
    premium = early_exercise_premium(*terms[:5], rate=rate, dividend_yield=dividend_yield)
    exact = [accurate_price(*each) for each in zip(*terms, strict=True)]
    error = european(*terms) + premium - np.array(exact)
    forward = spot * np.exp((rate - dividend_yield) * tau)
    vega = np.exp(-rate * tau) * black.vega(forward, strike, tau, vol)
    assert np.median(np.abs(error / vega)) < 2e-4
    assert np.quantile(np.abs(error[vega > 1.0] / vega[vega > 1.0]), 0.95) < 2.5e-3  # deep in the money
    # without it the prices are off by far more: the test can tell
    assert np.median(np.abs(premium / vega)) > 8e-4


def test_no_premium_where_waiting_costs_nothing():
    spot, strike, tau, vol, is_call, rate, _ = markets()
    nothing = np.zeros(spot.size)
    premium = early_exercise_premium(spot, strike, tau, vol, is_call, rate=rate, dividend_yield=nothing)
    assert (premium[is_call] == 0).all()  # Merton (1973): a call without dividends is never exercised early
    assert (premium[~is_call] > 0).mean() > 0.9
    premium = early_exercise_premium(spot, strike, tau, vol, ~is_call, rate=nothing, dividend_yield=rate)
    assert (premium[is_call] == 0).all()  # a put at zero rate neither


def test_price_is_between_exercise_and_the_larger_of_its_bounds():
    spot, strike, _, _, is_call, rate, dividend_yield = terms = markets(seed=1)
    premium = early_exercise_premium(*terms[:5], rate=rate, dividend_yield=dividend_yield)
    price = european(*terms) + premium
    assert (premium >= 0).all()
    assert (price >= np.where(is_call, spot - strike, strike - spot) - 1e-9).all()
    assert (price <= np.where(is_call, spot, strike)).all()


def test_call_is_the_put_with_roles_exchanged():
    spot, strike, tau, vol, is_call, rate, dividend_yield = terms = markets(seed=2)
    premium = early_exercise_premium(*terms[:5], rate=rate, dividend_yield=dividend_yield)
    twin = early_exercise_premium(strike, spot, tau, vol, ~is_call, rate=dividend_yield, dividend_yield=rate)
    np.testing.assert_array_equal(premium, twin)
