"""Each part of the fast path against what defines it."""

import numpy as np
import pytest

from ivyspt.flagship_config import Flagship
from ivyspt.inference.compiled import HALLEY_STEPS, black, std_of_price
from ivyspt.inference.fit import Problem, fit
from ivyspt.inference.surface import Frame, Surface, place_knots
from ivyspt.inference.trunk import Prior

KNOTS, COMPONENTS = 5, 3
SIZE = COMPONENTS * (4 + 3 * KNOTS)
TAU = np.repeat([0.05, 0.2, 0.7], 6)
K = np.tile(np.linspace(-2, 2, 6), 3) * 0.3 * np.sqrt(TAU)


@pytest.fixture(params=[True, False], ids=["by maturity", "one factor"])
def problem(request) -> Problem:
    generator = np.random.default_rng(0)
    vol = 0.3 - 0.1 * K + 0.2 * K**2 + 0.003 * generator.normal(size=K.size)
    frame = Frame(np.log(TAU), float(np.log(vol).mean()), place_knots(np.log(TAU), KNOTS), request.param)
    mean = 0.3 * generator.normal(size=SIZE)
    prior = Prior(COMPONENTS, mean, np.full(SIZE, 4.0), np.full(K.size, 0.01), 4.0, 0.01)
    return Problem(frame, prior, K, TAU, vol)


def jacobian(problem: Problem, latent: np.ndarray, precision: type = np.float64) -> np.ndarray:
    surface = problem.surface(latent)
    slices = surface.slices(K, problem.integrals)
    return surface.jacobian(slices, problem.integrals, 1 / slices.w, np.zeros_like(slices.w), precision)


def leaning(problem: Problem, lean: float, growth: float) -> np.ndarray:
    """The prior's mean, with the second component's wings and growth raised."""
    latent = problem.prior.mean.reshape(COMPONENTS, -1).copy()
    latent[1, 1:3] += lean
    latent[1, 4 : 4 + KNOTS] += growth
    return latent.ravel()


@pytest.mark.parametrize(("lean", "growth", "by_theta"), [(-1, 0, None), (2.5, 0, 0.5), (0.5, 3, 0.0)])
def test_the_jacobian_is_that_of_central_differences(problem, lean: float, growth: float, by_theta: float | None):
    latent, h = leaning(problem, lean, growth), 1e-6
    if not problem.frame.bounds_by_maturity:
        bound = problem.surface(latent).bound
        assert dict(zip(bound.component, bound.by_theta, strict=True)).get(1) == by_theta
    found = jacobian(problem, latent)
    for number in range(SIZE):
        step = h * np.eye(SIZE)[number]
        w = [problem.surface(latent + sign * step).slices(K, problem.integrals).w for sign in (1, -1)]
        component, place = divmod(number, SIZE // COMPONENTS)
        if place == 3:  # of the weights, which a component's own variance does not know
            continue
        slope = (np.log(w[0]) - np.log(w[1])) / (2 * h)
        np.testing.assert_allclose(found[component, place], slope[component], rtol=1e-6, atol=1e-8)


def test_single_precision_gives_its_digits_of_the_jacobian(problem):
    exact, single = (jacobian(problem, problem.prior.mean, precision) for precision in (np.float64, np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, exact, rtol=2e-6, atol=1e-7)


log_out_of_the_money = np.vectorize(lambda x, std: black(x, std)[0])


def implied_std(x: np.ndarray, *prices_and_brackets: np.ndarray, steps: int = HALLEY_STEPS) -> np.ndarray:
    return np.array([std_of_price(*each, steps) for each in zip(x, *prices_and_brackets, strict=True)])


def test_the_mixtures_std_is_found_to_rounding():
    generator = np.random.default_rng(1)
    each = np.exp(generator.uniform(np.log(0.01), np.log(1.5), (3, 4000)))
    weights = np.log([[0.2], [0.3], [0.5]])
    x = np.abs(generator.normal(size=4000)) * 4 * each.mean(0)
    total = np.logaddexp.reduce(weights + log_out_of_the_money(x, each))
    std = implied_std(x, total, each.mean(0), each.min(0), each.max(0))
    # the price at the vol found is the price asked for; log prices reach hundreds, where rounding counts
    np.testing.assert_allclose(log_out_of_the_money(x, std), total, rtol=1e-12, atol=1e-12)
    assert ((std >= each.min(0)) & (std <= each.max(0))).all()


def test_the_price_of_a_boundless_std_is_the_asset():
    x = np.array([0.0, 0.5, 5.0])
    for std in (45.0, 60.0, 180.0):
        found = log_out_of_the_money(x, np.full(3, std))
        np.testing.assert_allclose(found, 0, atol=1e-12)  # logarithms of hundreds cancel


def test_a_known_std_comes_back():
    std = np.exp(np.linspace(np.log(0.003), np.log(2.0), 500))
    x = np.linspace(0, 6, 500) * std
    found = implied_std(x, log_out_of_the_money(x, std), 1.4 * std, 0.5 * std, 2.0 * std)
    np.testing.assert_allclose(found, std, rtol=1e-11)


def test_a_step_towards_a_std_cubes_its_error():
    std = np.exp(np.linspace(np.log(0.05), np.log(1.0), 50))
    x = np.linspace(0.2, 3, 50) * std
    price = log_out_of_the_money(x, std)
    after = [implied_std(x, price, (1 + off) * std, 0.5 * std, 2 * std, steps=1) for off in (0.04, 0.02)]
    left = [np.abs(found / std - 1) for found in after]
    order = np.log2(np.median(left[0] / left[1]))
    assert order == pytest.approx(3, abs=0.3)


def test_the_fit_goes_from_the_prior_to_the_quotes(problem):
    def misses(surface: Surface) -> float:
        each = np.sqrt(surface.slices(K, problem.integrals).w)
        total = np.logaddexp.reduce(surface.log_weights[:, None] + log_out_of_the_money(problem.x, each))
        return float(np.sqrt(np.square((total - problem.log_price) * problem.by_log_price).mean()))

    surface, factor = fit(problem, Flagship())
    assert misses(surface) < 0.02 < misses(problem.surface(problem.prior.mean))  # of log vol; the noise is 0.01
    assert (factor == np.tril(factor)).all()
    assert (factor.diagonal() ** 2 >= 0.9 * problem.prior.precision[0]).all()  # quotes only add to what the prior knows


def test_the_normal_equations_are_the_objectives_slope(problem):
    latent, h = problem.prior.mean + 0.05, 1e-6
    noise = problem.prior.noise

    def objective(at: np.ndarray) -> float:
        return problem.objective(problem.compare(at), noise)

    found = problem.system(problem.compare(latent), noise)
    for number in np.random.default_rng(2).choice(SIZE, 12, replace=False):
        step = h * np.eye(SIZE)[number]
        slope = (objective(latent + step) - objective(latent - step)) / (2 * h)
        assert found.slope[number] == pytest.approx(slope, rel=1e-4, abs=1e-3)
