"""SSVI, eSSVI and SVI by slice: they recover their own surfaces, and the first two admit no arbitrage."""

import numpy as np
import pytest
from hypothesis import given

from ivyspt import svi
from ivyspt.arbitrage import durrleman_g
from ivyspt.baselines import essvi, ssvi, svi_slices, wing_slices
from ivyspt.baselines.barrier import Local, minimise
from ivyspt.completion import Context
from tests.baselines.awkward import stranger

TAU = np.array([0.03, 0.08, 0.2, 0.5, 1.1])
LOOSE = {"noise": 1e-4, "huber": 1e3}  # the prior hardly pulls


def essvi_surface():
    """Slices strictly inside the conditions of `wing_slices`."""
    level = 2 * np.log([0.31, 0.29, 0.27, 0.26, 0.25])
    left, right = np.array([0.1, 0.15, 0.2, 0.2, 0.1]), np.array([-0.9, -0.8, -0.7, -0.75, -0.8])
    return level, left, right


def quoted(total_variance, taus=TAU, count=9, noise=0.0, seed=0) -> Context:
    """Quotes of a surface at `count` strikes an expiry, out to two and a half standard deviations."""
    generator = np.random.default_rng(seed)
    tau = np.repeat(taus, count)
    k = np.tile(np.linspace(-2.5, 2.0, count), len(taus)) * 0.28 * np.sqrt(tau)
    vol = np.sqrt(total_variance(k, tau) / tau) * np.exp(noise * generator.normal(size=len(k)))
    return Context("A", "A", k, tau, vol, np.zeros(3))


def own_surface(k, tau):
    place = np.searchsorted(TAU, tau)
    return wing_slices.total_variance(k, tau, *(each[place] for each in essvi_surface()))[0]


def audit(method, context, taus=None):
    """Least g and least slope in tau of a completed surface, by float64 differences on a fine grid."""
    longest = context.time_to_maturity.max()
    grid = np.geomspace(5 / 365, longest, 60) if taus is None else taus
    z, tau = (each.ravel() for each in np.meshgrid(np.linspace(-7, 7, 141), grid))
    k = z * context.at_the_money_vol * np.sqrt(tau)
    step = 1e-3 * context.at_the_money_vol * np.sqrt(tau)

    def w(k, tau):
        return method.complete(context, k, tau).implied_vol ** 2 * tau

    centre, left, right = w(k, tau), w(k - step, tau), w(k + step, tau)
    g = durrleman_g(k, centre, (right - left) / (2 * step), (right - 2 * centre + left) / step**2)
    slope = (w(k, tau * 1.001) - centre) / (0.001 * tau)
    # a slice at -7 standard deviations loses five digits to the second difference
    return g.min(), (slope / (centre / tau)).min()


def test_own_conditions_are_those_of_hendriks_and_martini_and_of_gatheral_and_jacquier():
    generator = np.random.default_rng(0)
    level, left, right = generator.uniform([-4, -3, -3], [1, 1.5, 1.5], (5000, 3)).T
    later = level + generator.normal(0, 0.3, 5000), left + generator.normal(0, 0.2, 5000), right + 0.1
    first, second = wing_slices.natural(0.3, level, left, right), wing_slices.natural(0.5, *later)
    slices = wing_slices.slack_of_slices(np.log(0.3), level, left, right)
    np.testing.assert_array_equal(slices.min(axis=-1) > 0, first[2] < svi.largest_psi(*first[:2]))
    lower, upper = svi.calendar_bounds(*first, *second[:2])
    log_tau = np.broadcast_to(np.log([0.3, 0.5]), (5000, 2))
    pairs = [np.stack(each, axis=1) for each in zip((level, left, right), later, strict=True)]
    own = wing_slices.slack_of_steps(log_tau, *pairs).min(axis=(1, 2)) > 0
    theirs = (second[0] >= first[0]) & (lower <= second[2]) & (second[2] <= upper)
    assert own.any()
    assert theirs[own].all()  # ours hold both slopes apart, theirs their sum: ours imply theirs


def test_derivatives_of_slices_agree_with_central_differences():
    k, tau, level, left, right, h = np.linspace(-0.5, 0.4, 9), 0.4, -2.5, 0.2, -0.6, 1e-6
    _, slope = wing_slices.total_variance(k, tau, level, left, right)
    for place, step in enumerate(np.eye(3) * h):
        up, down = (wing_slices.total_variance(k, tau, *([level, left, right] + s * step))[0] for s in (1, -1))
        np.testing.assert_allclose(slope[:, place], (up - down) / (2 * h), rtol=1e-6, atol=1e-9)


def test_essvi_recovers_an_essvi_surface():
    context, method = quoted(own_surface), essvi.ESSVI(**LOOSE)
    _, nodes = essvi.fitted([context], method.prior, method.noise, method.huber)[0]
    np.testing.assert_allclose(nodes, np.stack(essvi_surface(), axis=1), atol=2e-4)  # the prior's remaining pull
    k, tau = np.linspace(-0.4, 0.3, 15), np.full(15, 0.2)
    answer = method.complete(context, k, tau).implied_vol
    np.testing.assert_allclose(answer, np.sqrt(own_surface(k, tau) / tau), atol=1e-5)


def test_ssvi_recovers_an_ssvi_surface():
    theta, rho, eta, gamma = 0.08 * TAU**0.9, -0.4, 1.2, 0.35

    def surface(k, tau):
        own = 0.08 * tau**0.9  # a power of tau is straight between logarithms
        return svi.essvi(k, own, rho, svi.power_law_psi(own, eta, gamma)[0])[0]

    context, method = quoted(surface), ssvi.SSVI(**LOOSE)
    (found,) = method.fitted([context])
    np.testing.assert_allclose(found.level, np.log(theta / TAU), atol=2e-4)  # the prior's remaining pull
    expected = [np.log(eta * (1 - rho)), np.log(eta * (1 + rho)), gamma]
    np.testing.assert_allclose(found.shape, expected, atol=2e-3)
    k, tau = np.linspace(-0.3, 0.3, 15), np.full(15, 0.33)
    np.testing.assert_allclose(method.complete(context, k, tau).implied_vol, np.sqrt(surface(k, tau) / tau), atol=2e-5)


def test_svi_recovers_raw_slices_that_ssvi_is_not():
    raw = np.array([[0.004, 0.05, -0.3, 0.02, 0.08], [0.01, 0.09, -0.5, -0.05, 0.15]])
    taus = np.array([0.1, 0.4])

    def surface(k, tau):
        a, b, rho, m, sigma = raw[np.searchsorted(taus, tau)].T
        return svi.raw_svi(k, a=a, b=b, rho=rho, m=m, sigma=sigma)[0]

    context = quoted(surface, taus, 15)
    method = svi_slices.SVISlices(noise=1e-4, huber=1e3, min_points=5, freedom=10.0)
    tau = np.repeat(taus, 9)
    k = np.tile(np.linspace(-0.3, 0.25, 9), 2)
    np.testing.assert_allclose(method.complete(context, k, tau).implied_vol, np.sqrt(surface(k, tau) / tau), atol=1e-5)
    between = method.complete(context, k[:9], np.full(9, 0.25))
    middle = (surface(k[:9], np.full(9, 0.1)) + surface(k[:9], np.full(9, 0.4))) / 2
    np.testing.assert_allclose(between.implied_vol**2 * 0.25, middle, rtol=1e-4)


def test_a_slice_of_few_quotes_is_that_of_ssvi():
    context = quoted(own_surface, count=4)
    slices = svi_slices.SVISlices(noise=0.01, huber=3.0, min_points=5, freedom=1.0)
    k, tau = np.linspace(-0.3, 0.3, 9), np.full(9, TAU[2])
    expected = ssvi.SSVI(noise=0.01, huber=3.0).complete(context, k, tau)
    answer = slices.complete(context, k, tau)
    np.testing.assert_allclose(answer.implied_vol, expected.implied_vol, rtol=1e-10)
    np.testing.assert_allclose(answer.w_kk, expected.w_kk, rtol=1e-8)


@pytest.mark.parametrize("method", [essvi.ESSVI, ssvi.SSVI])
@pytest.mark.parametrize("count", [1, 3, 9])
def test_a_fit_to_quotes_full_of_arbitrage_has_none(method, count):
    for seed in range(5):
        context = quoted(own_surface, count=count, noise=0.25, seed=seed)
        least_g, least_slope = audit(method(noise=0.003, huber=10.0), context)
        assert least_g > -1e-6
        assert least_slope > -1e-9


@pytest.mark.parametrize("method", [essvi.ESSVI, ssvi.SSVI])
def test_falling_variance_is_answered_by_constant_variance(method):
    """Total variance that falls in tau is a calendar arbitrage in every quote."""
    context = quoted(lambda k, tau: 0.04 + 0.1 * k**2 - 0.01 * tau)
    least_g, least_slope = audit(method(noise=0.003, huber=10.0), context)
    assert least_g > -1e-6
    assert least_slope > -1e-9


@given(stranger())
def test_no_quotes_however_odd_leave_the_conditions_or_fail(context):
    method = essvi.ESSVI(noise=0.02, huber=3.0)
    ((log_tau, nodes),) = essvi.fitted([context], method.prior, method.noise, method.huber)
    parts = nodes.T
    assert np.isfinite(nodes).all()
    assert wing_slices.slack_of_slices(log_tau, *parts).min() > 0
    assert wing_slices.slack_of_steps(log_tau, *parts).min(initial=1.0) > 0


def test_a_stale_quote_does_not_bend_the_surface():
    clean = quoted(own_surface)
    vol = clean.implied_vol.copy()
    vol[22] *= 2
    stale = Context("A", "A", clean.log_moneyness, clean.time_to_maturity, vol, clean.market)
    k, tau = np.linspace(-0.3, 0.2, 9), np.full(9, 0.2)
    truth = np.sqrt(own_surface(k, tau) / tau)
    robust, plain = (
        np.abs(essvi.ESSVI(noise=0.01, huber=huber).complete(stale, k, tau).implied_vol - truth).max()
        for huber in (1.0, 1e3)
    )
    assert robust < plain / 3


def test_the_learned_prior_is_where_training_surfaces_lie():
    method = essvi.ESSVI(noise=1e-3, huber=100.0, prior_surfaces=20)
    training = [(quoted(own_surface, noise=0.003, seed=seed), None) for seed in range(20)]
    method.fit(training, seed=0)
    level, left, right = essvi_surface()
    centre = [np.mean(level) - 2 * np.log(np.median(training[0][0].implied_vol)), left.mean(), right.mean()]
    np.testing.assert_allclose(method.prior.centre, centre, atol=0.05)
    assert (method.prior.std <= essvi.VAGUE.std / 3).all()


def test_too_few_training_surfaces_leave_the_vague_prior():
    method = essvi.ESSVI(noise=1e-3, huber=100.0)
    method.fit([], seed=0)
    np.testing.assert_array_equal(method.prior.centre, essvi.VAGUE.centre)


def test_minimiser_finds_the_constrained_optimum_of_each_problem():
    """min (x - a)^2 + (y - b)^2 inside x + y < 1, whose solutions are known."""
    goal = np.array([[0.2, 0.3], [2.0, 1.0], [0.0, 5.0]])

    def evaluate(x, rows):
        off = x - goal[rows]
        curvature = np.broadcast_to(2 * np.eye(2), (len(rows), 2, 2)).copy()
        slack = 1 - x.sum(axis=1, keepdims=True)
        return Local((off**2).sum(axis=1), 2 * off, curvature, slack, np.full((len(rows), 1, 2), -1.0))

    found = minimise(evaluate, np.zeros((3, 2)))
    # the last barrier, 1e-4, keeps solutions off the boundary by about its size over the multiplier
    np.testing.assert_allclose(found, [[0.2, 0.3], [1.0, 0.0], [-2.0, 3.0]], atol=3e-4)
