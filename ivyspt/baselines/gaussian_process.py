"""Gaussian process of log vol, its kernel chosen on each surface from a grid in closed form."""

from collections.abc import Sequence
from itertools import product
from typing import Literal

import numpy as np

from ivyspt.baselines.coordinates import Coordinates, Fitted, completion_of
from ivyspt.baselines.same_size import Stack, asked_coordinates, stacks, thinned
from ivyspt.completion import Completion, Context, Targets

Trend = Literal["constant", "linear", "quadratic"]
POWERS = {
    "constant": [(0, 0)],
    "linear": [(0, 0), (1, 0), (0, 1)],
    "quadratic": [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)],
}
LEAST_SCALE = 1e-12  # of the process's variance: a constant context has none
ROOT5 = np.sqrt(5.0)


class GaussianProcess:
    """Matern-5/2 process in (z, log tau) about a trend, whose coefficients have independent normal priors.

    Each surface takes its own length scales and noise: those of largest marginal likelihood, the process's variance
    integrated out under Jeffreys' prior, or of least leave-one-out error; and of the trends the one of least
    leave-one-out error. Where the prior is learned, the likelihood is weighed by how often each combination explains
    surfaces of training days.

    Parameters
    ----------
    length_z, length_tau : list of float
        Candidate length scales in standard deviations and in log(tau).
    noise : list of float
        Candidate variances of noise over that of the process.
    trends : list of str
        Any of constant, linear, quadratic.
    trend_variance : float
        Variance of the trend's coefficients over that of the process; large is uninformed.
    criterion : str
        likelihood, or leave_one_out.
    prior_surfaces : int
        Surfaces of training days from which the frequencies of the combinations are learned; 0: all alike.
    choosing_points : int
        Points of a context, evenly over it, that choose; all of them are then fitted.

    References
    ----------
    Rasmussen & Williams, Gaussian Processes for Machine Learning (2006), sections 2.7, 5.4; Dubrule (1983), "Cross
    validation of kriging in a unique neighborhood", Mathematical Geology 15(6).
    """

    def __init__(
        self,
        length_z: list[float],
        length_tau: list[float],
        noise: list[float],
        trends: list[Trend],
        trend_variance: float = 100.0,
        criterion: Literal["likelihood", "leave_one_out"] = "likelihood",
        prior_surfaces: int = 0,
        choosing_points: int = 100,
    ) -> None:
        self.lengths = np.array(list(product(length_z, length_tau)))
        self.noise, self.trends, self.trend_variance = np.array(noise), trends, trend_variance
        self.criterion, self.prior_surfaces, self.choosing_points = criterion, prior_surfaces, choosing_points
        self.log_prior = {trend: np.zeros((len(self.lengths), len(noise))) for trend in trends}

    def fit(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        """Learn how often each combination of length scales and noise explains a training surface."""
        generator = np.random.default_rng(seed)
        chosen = generator.permutation(len(training))[: self.prior_surfaces]
        contexts = [_part(training[i][0], self.choosing_points, generator) for i in chosen]
        if not contexts:
            return
        for trend in self.trends:
            scores = [self._scores(stack, trend)[0].reshape(len(stack.numbers), -1) for stack in stacks(contexts)]
            self.log_prior[trend] = _frequencies(np.concatenate(scores)).reshape(len(self.lengths), -1)

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """Fit the context and evaluate where asked."""
        return self.complete_many([context], [(log_moneyness, time_to_maturity)])[0]

    def complete_many(
        self, contexts: Sequence[Context], asked: Sequence[tuple[np.ndarray, np.ndarray]], derivatives: bool = True
    ) -> list[Completion]:
        """Choose and fit contexts of equal size at once and evaluate each where asked."""
        answers: list[Completion | None] = [None] * len(contexts)
        for stack in stacks(contexts):
            trend, length, noise = self._chosen(thinned(stack, self.choosing_points))
            for row, i in enumerate(stack.numbers):
                k, tau = (np.asarray(each, float) for each in asked[i])
                at = asked_coordinates(contexts[i], k, tau)
                kernel = (self.trends[trend[row]], self.lengths[length[row]], self.trend_variance)
                value = _predicted(at, stack.points[row], stack.values[row], kernel, self.noise[noise[row]])
                fitted = Fitted(value[0] + stack.mean[row], *value[1:])
                answers[i] = completion_of("log_implied_vol", fitted, at, tau)
        return answers

    def _chosen(self, stack: Stack) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Number of the trend, of the length scales and of the noise of each surface."""
        surfaces = len(stack.values)
        best = np.full(surfaces, np.inf)
        chosen = np.zeros((3, surfaces), int)
        for number, trend in enumerate(self.trends):
            likelihood, error = self._scores(stack, trend)
            score = likelihood + self.log_prior[trend] if self.criterion == "likelihood" else -error
            place = score.reshape(surfaces, -1).argmax(axis=1)
            of_trend = error.reshape(surfaces, -1)[np.arange(surfaces), place]
            better = of_trend < best
            best[better] = of_trend[better]
            length, noise = np.unravel_index(place, score.shape[1:])
            chosen[:, better] = np.stack([np.full(surfaces, number), length, noise])[:, better]
        return tuple(chosen)

    def _scores(self, stack: Stack, trend: Trend) -> tuple[np.ndarray, np.ndarray]:
        """Log marginal likelihood and mean squared leave-one-out error, (surface, length scales, noise)."""
        shape = (len(stack.values), len(self.lengths), len(self.noise))
        likelihood, error = np.empty(shape), np.empty(shape)
        n = stack.values.shape[1]
        for place, length in enumerate(self.lengths):
            kernel = _covariance(stack.points, trend, length, self.trend_variance)
            variance, turn = np.linalg.eigh(kernel)
            inverse = 1 / (np.maximum(variance, 0.0)[..., None] + self.noise)  # (surface, part, noise)
            part = (turn.swapaxes(1, 2) @ stack.values[..., None])[..., 0]
            scale = np.maximum(np.einsum("bp,bps->bs", part**2, inverse) / n, LEAST_SCALE)
            likelihood[:, place] = (np.log(inverse).sum(axis=1) - n * np.log(scale)) / 2
            residual = turn @ (part[..., None] * inverse) / (turn**2 @ inverse)
            error[:, place] = (residual**2).mean(axis=1)
        return likelihood, error


def _frequencies(log_likelihood: np.ndarray, rounds: int = 50) -> np.ndarray:
    """Logarithm of the mixture of combinations that explains the surfaces best, (combination,).

    Expectation maximisation of mixing proportions, each with one surface's weight spread over all combinations.
    """
    log_share = np.zeros(log_likelihood.shape[1])
    for _ in range(rounds):
        joint = log_likelihood + log_share
        posterior = np.exp(joint - joint.max(axis=1, keepdims=True))
        posterior /= posterior.sum(axis=1, keepdims=True)
        share = posterior.sum(axis=0) + 1 / len(log_share)
        log_share = np.log(share / share.sum())
    return log_share


def _part(context: Context, most: int, generator: np.random.Generator) -> Context:
    """A random part of a context, log-uniform in size from five points to `most`."""
    n = context.implied_vol.size
    count = min(n, round(np.exp(generator.uniform(np.log(5), np.log(max(5, most))))))
    shown = generator.choice(n, count, replace=False)
    points = (context.log_moneyness[shown], context.time_to_maturity[shown], context.implied_vol[shown])
    return Context(context.surface_id, context.symbol, *points, context.market)


def _covariance(points: np.ndarray, trend: Trend, length: np.ndarray, trend_variance: float) -> np.ndarray:
    """Covariance of process and trend over the process's variance; points (..., point, 2)."""
    apart = (points[..., :, None, :] - points[..., None, :, :]) / length
    columns = _monomials(points[..., 0], points[..., 1], trend)
    return _matern((apart**2).sum(axis=-1))[0] + trend_variance * columns @ columns.swapaxes(-1, -2)


def _monomials(u: np.ndarray, v: np.ndarray, trend: Trend) -> np.ndarray:
    return np.stack([u**a * v**b for a, b in POWERS[trend]], axis=-1)


def _matern(square: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Matern-5/2 of a squared distance, and its first two derivatives in the square."""
    r = ROOT5 * np.sqrt(square)
    decay = np.exp(-r)
    return (1 + r + r**2 / 3) * decay, -5 / 6 * (1 + r) * decay, 25 / 12 * decay


def _predicted(
    at: Coordinates, points: np.ndarray, values: np.ndarray, kernel: tuple[Trend, np.ndarray, float], noise: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Posterior mean, and its derivatives u, uu, v, where asked."""
    trend, length, trend_variance = kernel
    covariance = _covariance(points, trend, length, trend_variance) + noise * np.eye(len(points))
    weights = np.linalg.solve(covariance, values)
    coefficient = trend_variance * weights @ _monomials(points[:, 0], points[:, 1], trend)
    du, dv = (at.u[:, None] - points[:, 0]) / length[0], (at.v[:, None] - points[:, 1]) / length[1]
    value, first, second = _matern(du**2 + dv**2)
    parts = (
        value @ weights,
        (first * du) @ weights * 2 / length[0],
        (second * 4 * du**2 + 2 * first) @ weights / length[0] ** 2,
        (first * dv) @ weights * 2 / length[1],
    )
    smooth = _trend_parts(at.u, at.v, trend, coefficient)
    return tuple(part + own for part, own in zip(parts, smooth, strict=True))


def _trend_parts(u: np.ndarray, v: np.ndarray, trend: Trend, coefficient: np.ndarray) -> tuple[np.ndarray, ...]:
    """The trend and its derivatives u, uu, v."""
    parts = [np.zeros_like(u) for _ in range(4)]
    for (a, b), c in zip(POWERS[trend], coefficient, strict=True):
        parts[0] += c * u**a * v**b
        parts[1] += c * a * u ** max(a - 1, 0) * v**b
        parts[2] += c * a * (a - 1) * v**b
        parts[3] += c * b * u**a * v ** max(b - 1, 0)
    return tuple(parts)
