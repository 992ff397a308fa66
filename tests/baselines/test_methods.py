"""The paper's four baselines against oracles, and what every method promises."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.interpolate import RBFInterpolator

from ivyspt.baselines.coordinates import coordinates
from ivyspt.baselines.registry import build
from ivyspt.baselines.tuning import complete_many
from ivyspt.columns import DataError
from ivyspt.completion import Context, Targets
from tests.baselines.awkward import stranger
from tests.conftest import make_pair

DENSE = {"width": 16, "depth": 2, "learning_rate": 1e-2, "weight_decay": 0.0, "epochs": 30, "batch_points": 64}
GP = {"length_z": [0.7, 2.0], "length_tau": [0.5, 2.0], "noise": [1e-4, 1e-2], "trends": ["constant", "quadratic"]}
SLICES = {"noise": 0.02, "huber": 3.0, "prior_surfaces": 8}
ROWS = [
    ("polynomial", {"degree": 3, "ridge": 1e-4, "coordinates": "standardised", "response": "log_implied_vol"}),
    ("polynomial", {"degree": 2, "ridge": 0.0, "coordinates": "plain", "response": "total_variance"}),
    ("cubic_spline", {"smoothing": 1e-2, "coordinates": "standardised", "response": "implied_vol"}),
    ("cubic_spline", {"smoothing": 0.0, "coordinates": "plain", "response": "log_implied_vol"}),
    ("dense_net", {**DENSE, "coordinates": "standardised"}),
    ("dense_net", {**DENSE, "coordinates": "plain"}),
    ("flat", {}),
    ("kernel_regression", {"bandwidth_z": [0.3, 1.0], "bandwidth_tau": [0.5, 1.0], "ridge": 0.05}),
    ("thin_plate", {"stretches": [0.5, 1.0], "smoothing": [1e-6, 1e-3, 1.0], "freedom_weight": 1.4}),
    ("gaussian_process", {**GP, "prior_surfaces": 8}),
    ("gaussian_process", {**GP, "criterion": "leave_one_out"}),
    ("svi", {**SLICES, "min_points": 5, "freedom": 0.5}),
    ("ssvi", SLICES),
    ("essvi", SLICES),
    ("random_forest", {"trees": 5, "min_samples_leaf": 1, "max_features": 0.5, "coordinates": "plain"}),
    ("andreasen_huge", {"grid_points": 100, "interpolation": "cubic_spline"}),
]
SMOOTH = [row for row in ROWS if row[0] not in ("random_forest", "andreasen_huge")]


@cache
def ready(number):
    return fitted(ROWS[number])


def fitted(row):
    generator = np.random.default_rng(5)
    method = build(*row)
    method.fit([make_pair(generator, 20, 20, f"surface {i}") for i in range(8)], seed=3)
    return method


@pytest.fixture
def context() -> Context:
    return make_pair(np.random.default_rng(1), 18, 1)[0]


@pytest.fixture
def asked() -> tuple[np.ndarray, np.ndarray]:
    k, tau = np.meshgrid(np.linspace(-0.15, 0.15, 7), [0.09, 0.13, 0.2])
    return k.ravel(), tau.ravel()


@pytest.mark.parametrize("row", SMOOTH, ids=str)
def test_derivatives_agree_with_central_differences(row, context, asked):
    method, (k, tau) = fitted(row), asked

    def w(k, tau):
        return method.complete(context, k, tau).implied_vol ** 2 * tau

    answer, h = method.complete(context, k, tau), 1e-5
    # truncation and rounding of differences with step 1e-5 in float64
    np.testing.assert_allclose(answer.w_k, (w(k + h, tau) - w(k - h, tau)) / (2 * h), rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(answer.w_tau, (w(k, tau + h) - w(k, tau - h)) / (2 * h), rtol=1e-5, atol=1e-7)
    h = 1e-4
    second = (w(k + h, tau) - 2 * w(k, tau) + w(k - h, tau)) / h**2
    np.testing.assert_allclose(answer.w_kk, second, rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_answer_depends_neither_on_the_order_of_the_context_nor_on_what_else_is_asked(row, context, asked):
    method, (k, tau) = fitted(row), asked
    order = np.random.default_rng(0).permutation(context.implied_vol.size)
    shuffled = Context(
        context.surface_id,
        context.symbol,
        context.log_moneyness[order],
        context.time_to_maturity[order],
        context.implied_vol[order],
        context.market,
    )
    together = method.complete(context, k, tau).implied_vol
    # rounding of sums in another order, grown by the condition of the least-squares problem
    np.testing.assert_allclose(method.complete(shuffled, k, tau).implied_vol, together, rtol=1e-9)
    alone = [method.complete(context, k[i : i + 1], tau[i : i + 1]).implied_vol[0] for i in range(len(k))]
    np.testing.assert_allclose(alone, together, rtol=1e-12)


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("expiries", [1, 2])
def test_answers_with_three_points_of_one_or_two_expiries(row, expiries, asked):
    tau = np.array([0.1, 0.1, 0.1 * expiries])
    context = Context("A", "A", np.array([-0.1, 0.0, 0.1]), tau, np.array([0.3, 0.25, 0.24]), np.full(3, np.nan))
    answer = fitted(row).complete(context, *asked)
    assert np.isfinite(answer.implied_vol).all()


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_many_surfaces_at_once_are_answered_as_each_alone(row, asked):
    method, generator = fitted(row), np.random.default_rng(2)
    contexts = [make_pair(generator, size, 1, f"surface {i}")[0] for i, size in enumerate((18, 3, 7, 18))]
    together = complete_many(method, contexts, [asked, asked, (asked[0][:2], asked[1][:2]), asked])
    for context, answer in zip(contexts, together, strict=True):
        size = answer.implied_vol.size
        alone = method.complete(context, asked[0][:size], asked[1][:size])
        # padding and batched kernels sum in another order; iterations repeat what rounding differs
        np.testing.assert_allclose(answer.implied_vol, alone.implied_vol, rtol=1e-7)


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[str(row) for row in ROWS])
@settings(max_examples=15)
@given(context=stranger())
def test_odd_quotes_are_answered_by_numbers_or_by_nothing(number, context):
    """No warning, no failure; a point of no answer is NaN in every part."""
    answer = ready(number).complete(context, np.array([-0.5, 0.0, 0.3]), np.array([0.02, 0.3, 3.0]))
    assert answer.implied_vol.shape == (3,)
    known = np.isfinite(answer.implied_vol)
    assert (answer.implied_vol[known] > 0).all()
    for part in (answer.w_k, answer.w_kk, answer.w_tau):
        assert part is None or (np.isfinite(part) == known).all()


def test_spline_is_the_interpolator_of_scipy(context, asked):
    for smoothing in (0.0, 0.3):
        row = ("cubic_spline", {"smoothing": smoothing, "coordinates": "standardised", "response": "implied_vol"})
        shown = coordinates("standardised", context, context.log_moneyness, context.time_to_maturity).points
        oracle = RBFInterpolator(shown, context.implied_vol, kernel="cubic", smoothing=smoothing, degree=1)
        at = coordinates("standardised", context, *asked).points
        # two solvers of one linear system whose condition number is about 1e6
        np.testing.assert_allclose(build(*row).complete(context, *asked).implied_vol, oracle(at), rtol=1e-8)


def test_polynomial_recovers_a_polynomial(asked):
    def w(k, tau):
        return 0.01 + 0.05 * tau - 0.02 * k + 0.1 * k**2 + 0.03 * k * tau

    k, tau = (each.ravel() for each in np.meshgrid(np.linspace(-0.3, 0.3, 5), [0.1, 0.2, 0.3]))
    context = Context("A", "A", k, tau, np.sqrt(w(k, tau) / tau), np.zeros(3))
    method = build("polynomial", {"degree": 2, "ridge": 0.0, "coordinates": "plain", "response": "total_variance"})
    answer, (k, tau) = method.complete(context, *asked), asked
    np.testing.assert_allclose(answer.implied_vol**2 * tau, w(k, tau), rtol=1e-10)  # least squares in float64
    np.testing.assert_allclose(answer.w_kk, 0.2, rtol=1e-8)
    np.testing.assert_allclose(answer.w_tau, 0.05 + 0.03 * k, rtol=1e-8)


def test_no_answer_where_the_fit_is_not_a_positive_vol():
    k, tau = np.array([-0.1, 0.0, 0.1, 0.0]), np.array([0.1, 0.1, 0.1, 0.2])
    context = Context("A", "A", k, tau, np.array([0.3, 0.2, 0.1, 0.2]), np.zeros(3))
    method = build("polynomial", {"degree": 1, "ridge": 0.0, "coordinates": "plain", "response": "implied_vol"})
    answer = method.complete(context, np.array([0.1, 0.5]), np.array([0.1, 0.1]))
    assert answer.implied_vol[0] == pytest.approx(0.1)  # the context lies on a plane
    assert np.isnan([answer.implied_vol[1], answer.w_k[1], answer.w_kk[1], answer.w_tau[1]]).all()


def test_dense_net_learns_from_the_seed_alone_and_from_the_market():
    generator = np.random.default_rng(0)
    training = []
    for i in range(40):
        rate = i % 2
        context, _ = make_pair(generator, 20, 1, f"surface {i}")
        # the same context, but the targets lie two vol points higher when the first market feature is high
        targets = Targets(context.log_moneyness, context.time_to_maturity, context.implied_vol + 0.02 * rate)
        training.append((Context("A", "A", *_points(context), np.array([rate, np.nan, 0.0])), targets))
    row = {**DENSE, "epochs": 60, "coordinates": "standardised"}
    nets = [build("dense_net", row) for _ in range(3)]
    for net, seed in zip(nets, (0, 0, 1), strict=True):
        net.fit(training, seed)
    low, high = (nets[0].complete(training[i][0], np.zeros(1), np.full(1, 0.1)).implied_vol[0] for i in (0, 1))
    assert high - low == pytest.approx(0.02, abs=0.008)  # the contexts' levels differ a little, and the fit is short
    same, other = (net.complete(training[0][0], np.zeros(1), np.full(1, 0.1)).implied_vol[0] for net in nets[1:])
    assert same == low
    assert other != low


def test_registry_refuses_unknown_methods_and_settings():
    with pytest.raises(DataError, match="baseline method must be one of"):
        build("crystal_ball", {})
    with pytest.raises(DataError, match="candidates of polynomial must name its settings"):
        build("polynomial", {"degrees": 2})


def _points(context: Context) -> tuple[np.ndarray, ...]:
    return context.log_moneyness, context.time_to_maturity, context.implied_vol
