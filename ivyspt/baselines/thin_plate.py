"""Thin-plate spline of log vol, smoothed on each surface by generalised cross-validation."""

from collections.abc import Iterator, Sequence

import numpy as np

from ivyspt.baselines.coordinates import Coordinates, Fitted, completion_of
from ivyspt.baselines.same_size import Stack, asked_coordinates, stacks, thinned
from ivyspt.completion import Completion, Context, Targets

ROUNDING = 1e-12  # of the largest eigenvalue; less counts as that
SAME_LINE = 1e-9  # standard deviations
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
    choosing_points : int
        Points of a context, evenly over it, that choose; all of them are then fitted.

    References
    ----------
    Wahba, Spline Models for Observational Data (1990), chapters 2 and 4; Kim & Gu (2004), "Smoothing spline Gaussian
    regression", JRSS B 66(2), on freedom_weight.
    """

    def __init__(
        self, stretches: list[float], smoothing: list[float], freedom_weight: float, choosing_points: int = 200
    ) -> None:
        self.stretches, self.smoothing = stretches, smoothing
        self.freedom_weight, self.choosing_points = freedom_weight, choosing_points

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
        chooser = thinned(stack, self.choosing_points)
        surfaces = len(stack.values)
        best, stretch, penalty = np.full(surfaces, np.inf), np.ones(surfaces), np.ones(surfaces)
        for candidate in self.stretches:
            scaled = chooser.points * [1.0, candidate]
            for rank, members in _by_rank(scaled):
                found, least = self._least(scaled[members], chooser.values[members], rank)
                better = found < best[members]
                chosen = members[better]
                best[chosen], penalty[chosen], stretch[chosen] = found[better], least[better], candidate
        weights, plane = np.empty_like(stack.values), np.empty((surfaces, 3))
        scaled = stack.points * np.stack([np.ones(surfaces), stretch], axis=1)[:, None]
        for rank, members in _by_rank(scaled):
            weights[members], plane[members] = _solved(scaled[members], stack.values[members], rank, penalty[members])
        return stretch, weights, plane

    def _least(self, points: np.ndarray, values: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray]:
        """Least criterion of surfaces of one rank and the penalty that has it, (surface,) each."""
        n = values.shape[1]
        _, _, beyond = _divided(points, rank)
        energy, turn = np.linalg.eigh(beyond.swapaxes(1, 2) @ _kernel(points) @ beyond)
        part = ((beyond @ turn).swapaxes(1, 2) @ values[..., None])[..., 0]
        largest = energy.max(axis=1, initial=ROUNDING)[:, None]
        penalty = largest * np.asarray(self.smoothing)  # (surface, candidate)
        energy = np.maximum(energy, ROUNDING * largest)[:, None]
        left = penalty[..., None] / (energy + penalty[..., None])  # of each part, in the residual
        freedom = n - self.freedom_weight * (n - left.sum(axis=2))
        error = n * ((left * part[:, None]) ** 2).sum(axis=2)
        # where nothing is left to judge by, the smoothest candidate stands
        judged = freedom > 0
        criterion = np.where(judged, error / np.where(judged, freedom, 1.0) ** 2, np.inf)
        chosen = np.where(judged.any(axis=1), criterion.argmin(axis=1), penalty.argmax(axis=1))
        row = np.arange(len(values))
        return np.minimum(criterion[row, chosen], np.finfo(float).max), penalty[row, chosen]


def _by_rank(points: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Numbers of the surfaces whose points span a plane (rank 3), a line (2) or a point."""
    rank = np.linalg.matrix_rank(_plane(points), tol=SAME_LINE * np.sqrt(points.shape[1]))
    for each in np.unique(rank).tolist():
        yield each, np.flatnonzero(rank == each)


def _divided(points: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Basis (surface, point, rank) of what planes reach, its map (surface, rank, 3) to planes, and the other basis."""
    u, singular, vt = np.linalg.svd(_plane(points), full_matrices=True)
    return u[:, :, :rank], vt[:, :rank] / singular[:, :rank, None], u[:, :, rank:]


def _solved(points: np.ndarray, values: np.ndarray, rank: int, penalty: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Kernel weights (surface, point) and plane (surface, 3) of surfaces of one rank."""
    within, to_plane, beyond = _divided(points, rank)
    kernel = _kernel(points) + penalty[:, None, None] * np.eye(points.shape[1])
    outside = beyond.swapaxes(1, 2)
    weights = beyond @ np.linalg.solve(outside @ kernel @ beyond, outside @ values[..., None])
    rest = within.swapaxes(1, 2) @ (values[..., None] - kernel @ weights)
    return weights[..., 0], (to_plane.swapaxes(1, 2) @ rest)[..., 0]


def _plane(points: np.ndarray) -> np.ndarray:
    return np.concatenate([np.ones((*points.shape[:2], 1)), points], axis=2)


def _kernel(points: np.ndarray) -> np.ndarray:
    r = np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)
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
