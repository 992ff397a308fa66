"""Thin-plate spline, Gaussian process and kernel regression against the libraries' own."""

import numpy as np
import pytest
from scipy.interpolate import RBFInterpolator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from ivyspt.baselines.coordinates import coordinates
from ivyspt.baselines.gaussian_process import GaussianProcess, _frequencies
from ivyspt.baselines.kernel_regression import KernelRegression
from ivyspt.baselines.same_size import stacks
from ivyspt.baselines.thin_plate import ThinPlate
from ivyspt.completion import Context
from tests.conftest import make_pair

GRID = [grid.ravel() for grid in np.meshgrid(np.linspace(-0.15, 0.15, 7), [0.09, 0.13, 0.2])]


def noisy(size=18, seed=1) -> Context:
    generator = np.random.default_rng(seed)
    context, _ = make_pair(generator, size, 1)
    points = context.log_moneyness, context.time_to_maturity
    return Context("A", "A", *points, context.implied_vol * np.exp(0.02 * generator.normal(size=size)), context.market)


def places(context):
    shown = coordinates("standardised", context, context.log_moneyness, context.time_to_maturity).points
    return shown, coordinates("standardised", context, *GRID).points, np.log(context.implied_vol)


def test_thin_plate_is_the_one_of_scipy_at_the_smoothing_that_it_chose():
    context = noisy()
    method = ThinPlate(stretches=[0.7], smoothing=[1e-3], freedom_weight=1.0)
    shown, at, y = places(context)
    stretch = [1.0, 0.7]
    kernel = RBFInterpolator(shown * stretch, y, kernel="thin_plate_spline", degree=1)
    assert kernel.epsilon == 1.0
    penalty = 1e-3 * largest_energy(shown * stretch)
    oracle = RBFInterpolator(shown * stretch, y, kernel="thin_plate_spline", smoothing=penalty, degree=1)
    # two solvers of one linear system
    np.testing.assert_allclose(method.complete(context, *GRID).implied_vol, np.exp(oracle(at * stretch)), rtol=1e-8)


def largest_energy(points):
    r = np.linalg.norm(points[:, None] - points[None], axis=-1)
    kernel = r**2 * np.log(np.maximum(r, 1e-300))
    q = np.linalg.qr(np.column_stack([np.ones(len(points)), points]), mode="complete")[0][:, 3:]
    return np.linalg.eigvalsh(q.T @ kernel @ q).max()


def test_thin_plate_takes_the_smoothing_of_least_generalised_cross_validation():
    context = noisy()
    shown, _, y = places(context)
    candidates = [10.0**e for e in range(-8, 2)]
    scale = largest_energy(shown)

    def influence(penalty):
        columns = [
            RBFInterpolator(shown, unit, kernel="thin_plate_spline", smoothing=penalty * scale, degree=1)(shown)
            for unit in np.eye(len(y))
        ]
        return np.column_stack(columns)

    def gcv(penalty):
        residual = np.eye(len(y)) - influence(penalty)
        return len(y) * np.sum((residual @ y) ** 2) / np.trace(residual) ** 2

    best = min(candidates, key=gcv)
    chosen = ThinPlate([1.0], candidates, 1.0).complete(context, *GRID).implied_vol
    np.testing.assert_array_equal(chosen, ThinPlate([1.0], [best], 1.0).complete(context, *GRID).implied_vol)


@pytest.mark.parametrize("trend", ["constant", "linear"])
def test_process_is_the_one_of_scikit_learn_with_the_same_kernel(trend):
    context = noisy()
    method = GaussianProcess([1.3], [0.8], [0.01], [trend], trend_variance=50.0)
    shown, at, y = places(context)
    # a linear trend with independent normal coefficients is the sum of kernels 1, u u' and v v'
    kernel = Matern([1.3, 0.8], nu=2.5) + ConstantKernel(50.0)
    if trend == "linear":
        kernel += 50.0 * Along(0) + 50.0 * Along(1)
    oracle = GaussianProcessRegressor(kernel, alpha=0.01, optimizer=None).fit(shown, y - y.mean())
    vols = method.complete(context, *GRID).implied_vol
    np.testing.assert_allclose(vols, np.exp(oracle.predict(at) + y.mean()), rtol=1e-9)  # two solvers of one system


class Along(ConstantKernel):
    """x_i x_i' along one coordinate."""

    def __init__(self, axis):
        super().__init__(1.0, "fixed")
        self.axis = axis

    def __call__(self, X, Y=None, eval_gradient=False):
        return np.outer(X[:, self.axis], (X if Y is None else Y)[:, self.axis])

    def diag(self, X):
        return X[:, self.axis] ** 2


def test_likelihood_and_leave_one_out_error_are_those_of_their_definitions():
    context = noisy(9)
    method = GaussianProcess([1.3], [0.8], [0.05], ["quadratic"], trend_variance=20.0)
    (stack,) = stacks([context])
    likelihood, error = (each.item() for each in method._scores(stack, "quadratic"))
    y, u, v = stack.values[0], *stack.points[0].T
    r = np.sqrt(5) * np.hypot((u[:, None] - u) / 1.3, (v[:, None] - v) / 0.8)
    basis = np.column_stack([np.ones(9), u, v, u**2, u * v, v**2])
    covariance = (1 + r + r**2 / 3) * np.exp(-r) + 20 * basis @ basis.T + 0.05 * np.eye(9)
    variance = y @ np.linalg.solve(covariance, y) / 9
    expected = -4.5 * np.log(variance) - np.linalg.slogdet(covariance)[1] / 2
    assert likelihood == pytest.approx(expected, rel=1e-9)
    left_out = []
    for i in range(9):
        rest = np.arange(9) != i
        left_out.append(y[i] - covariance[i, rest] @ np.linalg.solve(covariance[np.ix_(rest, rest)], y[rest]))
    assert error == pytest.approx(np.mean(np.square(left_out)), rel=1e-9)


def test_process_recovers_its_own_noise_and_trend():
    generator = np.random.default_rng(3)
    z, tau = generator.normal(size=80), generator.choice([0.1, 0.2, 0.4], 80)
    k = 0.2 * z * np.sqrt(tau)
    smooth = Context("A", "A", k, tau, np.exp(-1.5 - 0.2 * z + 0.05 * z**2 + 0.1 * np.log(tau)), np.zeros(3))
    rough = Context("A", "A", k, tau, smooth.implied_vol * np.exp(0.1 * generator.normal(size=80)), np.zeros(3))
    method = GaussianProcess([0.5, 1.0, 2.0], [1.0], [1e-4, 1e-2, 1.0], ["constant", "quadratic"])
    for context, noise in ((smooth, 1e-4), (rough, 1.0)):
        (stack,) = stacks([context])
        trend, _, chosen = method._chosen(stack)
        assert method.noise[chosen[0]] == noise
        assert method.trends[trend[0]] == "quadratic"


def test_frequencies_of_combinations_follow_the_surfaces_that_each_explains():
    log_likelihood = np.log([[0.9, 1e-9, 1e-9]] * 30 + [[1e-9, 0.9, 1e-9]] * 10)
    share = np.exp(_frequencies(log_likelihood))
    # each combination keeps a third of one surface
    np.testing.assert_allclose(share, np.array([30 + 1 / 3, 10 + 1 / 3, 1 / 3]) / 41, rtol=1e-6)


def test_kernel_regression_is_weighted_least_squares_at_the_point():
    context = noisy()
    shown, at, y = places(context)
    answer = KernelRegression([0.8], [0.6], ridge=0.0).complete(context, *GRID).implied_vol
    for place, vol in zip(at, answer, strict=True):
        apart = shown - place
        root = np.exp(-((apart / [0.8, 0.6]) ** 2).sum(axis=1) / 4)
        columns = np.column_stack([np.ones(len(y)), apart])
        level = np.linalg.lstsq(columns * root[:, None], y * root, rcond=None)[0][0]
        assert np.log(vol) == pytest.approx(level, abs=1e-7)  # centred moments against orthogonal columns


def test_kernel_regression_with_a_heavy_ridge_is_the_weighted_mean_that_leave_one_out_chooses():
    context = noisy()
    shown, at, y = places(context)

    def weights(to, bandwidth):
        return np.exp(-(((to[:, None] - shown) / [bandwidth, 0.6]) ** 2).sum(axis=-1) / 2)

    def left_out(bandwidth):
        weight = weights(shown, bandwidth)
        np.fill_diagonal(weight, 0.0)
        return np.mean((weight @ y / weight.sum(axis=1) - y) ** 2)

    candidates = [0.2, 0.5, 3.0]
    weight = weights(at, min(candidates, key=left_out))
    answer = KernelRegression(candidates, [0.6], ridge=1e12).complete(context, *GRID).implied_vol
    np.testing.assert_allclose(np.log(answer), weight @ y / weight.sum(axis=1), rtol=1e-9)  # the ridge is not infinite


def test_a_few_points_choose_and_all_are_fitted():
    context, _ = make_pair(np.random.default_rng(4), 60, 1)
    shown = context.log_moneyness, context.time_to_maturity
    rows = [
        ThinPlate([1.0], [1e-12], 1.0, choosing_points=10),
        GaussianProcess([1.0], [1.0], [1e-9], ["constant"], choosing_points=10),
    ]
    for method in rows:
        # nothing to choose: interpolation, but for the rounding of an ill-conditioned system
        np.testing.assert_allclose(method.complete(context, *shown).implied_vol, context.implied_vol, rtol=1e-4)
