"""Thin-plate spline of log vol, smoothed on each surface by generalised cross-validation."""

from collections.abc import Sequence

import numpy as np

from ivyspt.baselines.coordinates import Coordinates, Fitted, completion_of
from ivyspt.baselines.same_size import Stack, asked_coordinates, stacks
from ivyspt.completion import Completion, Context, Targets

ROUNDING = 1e-12  # of the largest singular value or eigenvalue; less counts as zero
LEAST_DISTANCE = 1e-9  # at a quote itself the second derivative is infinite


class ThinPlate:
    """Duchon's spline f = sum_i c_i r_i^2 log(r_i) + plane in (z, a log tau), of least residuals and bending energy.

    The smoothing and the stretch a are those of least generalised cross-validation error on the surface. A context on
    one line (a single expiry, say) leaves the plane undetermined: the least-norm solution is flat across that line. A
    context whose points all lie on a plane that three points determine is interpolated.

    Parameters
    ----------
    stretches : list of float
        Candidates of a: standard deviations that one unit of log(tau) counts as.
    smoothing : list of float
        Candidates of the penalty, over the largest eigenvalue of the bending energy's kernel on the context.
    freedom_weight : float
        What a degree of freedom counts in the criterion: 1 is GCV, 1.4 guards against undersmoothing.

    References
    ----------
    Wahba, Spline Models for Observational Data (1990), chapters 2 and 4; Kim & Gu (2004), "Smoothing spline Gaussian
    regression", JRSS B 66(2), on freedom_weight.
    """

    def __init__(self, stretches: list[float], smoothing: list[float], freedom_weight: float) -> None:
        self.stretches, self.smoothing, self.freedom_weight = stretches, smoothing, freedom_weight

    def fit(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        """Do nothing: each surface is fitted on its own."""

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """Fit the context and evaluate where asked."""
        return self.complete_many([context], [(log_moneyness, time_to_maturity)])[0]

    def complete_many(
        self, contexts: Sequence[Context], asked: Sequence[tuple[np.ndarray, np.ndarray]], derivatives: bool = True
    ) -> list[Completion]:
        """Fit contexts of equal size at once and evaluate each where asked."""
        answers: list[Completion | None] = [None] * len(contexts)
        for stack in stacks(contexts):
            stretch, weights, plane = self._fitted(stack)
            for row, i in enumerate(stack.numbers):
                k, tau = (np.asarray(each, float) for each in asked[i])
                at = asked_coordinates(contexts[i], k, tau)
                value = _evaluated(at, stack.points[row], stretch[row], weights[row], plane[row], stack.mean[row])
                answers[i] = completion_of("log_implied_vol", value, at, tau)
        return answers

    def _fitted(self, stack: Stack) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Stretch (surface,), kernel weights (surface, point) and plane (surface, 3) of least criterion."""
        surfaces, points = stack.values.shape
        best = np.full(surfaces, np.inf)
        stretch, weights, plane = np.empty(surfaces), np.empty((surfaces, points)), np.empty((surfaces, 3))
        for candidate in self.stretches:
            scaled = stack.points * [1.0, candidate]
            rank = np.linalg.matrix_rank(_plane(scaled), tol=1e-9 * np.sqrt(points))
            for each in np.unique(rank).tolist():
                members = np.flatnonzero(rank == each)
                found = _smoothed(scaled[members], stack.values[members], each, self.smoothing, self.freedom_weight)
                better = members[found[0] < best[members]]
                mine = found[0] < best[members]
                best[better], weights[better], plane[better] = (part[mine] for part in found)
                stretch[better] = candidate
        return stretch, weights, plane


def _smoothed(
    points: np.ndarray, values: np.ndarray, rank: int, smoothing: list[float], freedom_weight: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least criterion (surface,), kernel weights (surface, point) and plane (surface, 3) of surfaces of one rank."""
    surfaces, n = values.shape
    plane = _plane(points)
    u, singular, vt = np.linalg.svd(plane, full_matrices=True)
    beyond = u[:, :, rank:]  # what no plane reaches
    kernel = _kernel(np.linalg.norm(points[:, :, None] - points[:, None], axis=-1))
    energy, turn = np.linalg.eigh(beyond.swapaxes(1, 2) @ kernel @ beyond)
    basis = beyond @ turn
    part = (basis.swapaxes(1, 2) @ values[..., None])[..., 0]
    largest = energy.max(axis=1, initial=ROUNDING)[:, None]
    energy = np.maximum(energy, ROUNDING * largest)
    penalty = largest * np.asarray(smoothing)  # (surface, candidate)
    left = penalty[..., None] / (energy[:, None] + penalty[..., None])  # of each part, in the residual
    freedom = n - freedom_weight * (n - left.sum(axis=2))
    error = n * ((left * part[:, None]) ** 2).sum(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        criterion = np.where(freedom > 0, error / freedom**2, np.inf)
    # where nothing is left to judge by, the smoothest candidate stands
    chosen = np.where(np.isfinite(criterion).any(axis=1), criterion.argmin(axis=1), penalty.argmax(axis=1))
    row = np.arange(surfaces)
    weights = (basis @ (part / (energy + penalty[row, chosen][:, None]))[..., None])[..., 0]
    rest = values - (kernel @ weights[..., None])[..., 0] - penalty[row, chosen][:, None] * weights
    along = (u[:, :, :rank].swapaxes(1, 2) @ rest[..., None])[..., 0] / singular[:, :rank]
    found = np.minimum(criterion[row, chosen], np.finfo(float).max)
    return found, weights, (vt[:, :rank].swapaxes(1, 2) @ along[..., None])[..., 0]


def _plane(points: np.ndarray) -> np.ndarray:
    return np.concatenate([np.ones((*points.shape[:2], 1)), points], axis=2)


def _kernel(r: np.ndarray) -> np.ndarray:
    return r**2 * np.log(np.maximum(r, LEAST_DISTANCE))


def _evaluated(
    at: Coordinates, points: np.ndarray, stretch: float, weights: np.ndarray, plane: np.ndarray, mean: float
) -> Fitted:
    du, dv = at.u[:, None] - points[:, 0], stretch * (at.v[:, None] - points[:, 1])
    square = np.maximum(du**2 + dv**2, LEAST_DISTANCE**2)
    log_square = np.log(square)
    return Fitted(
        mean + (square * log_square / 2) @ weights + plane[0] + plane[1] * at.u + plane[2] * stretch * at.v,
        (du * (log_square + 1)) @ weights + plane[1],
        (log_square + 1 + 2 * du**2 / square) @ weights,
        stretch * ((dv * (log_square + 1)) @ weights + plane[2]),
    )
