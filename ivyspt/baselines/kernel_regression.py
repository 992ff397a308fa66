"""Local-linear kernel regression of log vol, its bandwidths chosen on each surface by leave-one-out."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from torch import Tensor

from ivyspt import jets
from ivyspt.baselines.coordinates import Coordinates, Fitted, completion_of
from ivyspt.baselines.same_size import Stack, asked_coordinates, stacks, thinned
from ivyspt.completion import Completion, Context, Targets

TINY = 1e-12  # squared standard deviations, so that a flat line is found where all weight lies on one quote


class KernelRegression:
    """Gaussian-kernel regression in (z, log tau): weighted mean, corrected by a ridge-penalised local slope.

    Each surface takes the bandwidths of least leave-one-out error of log vol.

    Parameters
    ----------
    bandwidth_z, bandwidth_tau : list of float
        Candidates in standard deviations and in log(tau).
    ridge : float
        Over the squared bandwidths, added to the local variance of the coordinates: near 0 the fit is local-linear,
        large it is the weighted mean (Nadaraya-Watson).
    choosing_points : int
        Points of a context, evenly over it, that choose; all of them are then averaged.

    References
    ----------
    Fan & Gijbels, Local Polynomial Modelling and Its Applications (1996), chapter 2; Ait-Sahalia & Lo (1998),
    "Nonparametric estimation of state-price densities implicit in financial asset prices", Journal of Finance 53(2).
    """

    def __init__(
        self, bandwidth_z: list[float], bandwidth_tau: list[float], ridge: float, choosing_points: int = 200
    ) -> None:
        self.bandwidths = list(product(bandwidth_z, bandwidth_tau))
        self.ridge, self.choosing_points = ridge, choosing_points

    def fit(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        """Do nothing: each surface is fitted on its own."""

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """Choose bandwidths on the context and evaluate where asked."""
        return self.complete_many([context], [(log_moneyness, time_to_maturity)])[0]

    def complete_many(
        self, contexts: Sequence[Context], asked: Sequence[tuple[np.ndarray, np.ndarray]], derivatives: bool = True
    ) -> list[Completion]:
        """Choose for contexts of equal size at once and evaluate each where asked."""
        answers: list[Completion | None] = [None] * len(contexts)
        for stack in stacks(contexts):
            chosen = self._chosen(thinned(stack, self.choosing_points))
            points, values = torch.from_numpy(stack.points), torch.from_numpy(stack.values)
            for row, i in enumerate(stack.numbers):
                k, tau = (np.asarray(each, float) for each in asked[i])
                at = asked_coordinates(contexts[i], k, tau)
                smooth = _smoothed(_jets(at), points[row], values[row], self.bandwidths[chosen[row]], self.ridge)
                answers[i] = completion_of("log_implied_vol", _as_fitted(smooth, stack.mean[row]), at, tau)
        return answers

    def _chosen(self, stack: Stack) -> np.ndarray:
        """Number of the bandwidths of least leave-one-out error of each surface."""
        points, values = torch.from_numpy(stack.points), torch.from_numpy(stack.values)
        at = points.movedim(-1, 0)[:, None]
        errors = [
            (_smoothed(at, points, values, each, self.ridge, leave_out=True)[0] - values).square().mean(dim=-1)
            for each in self.bandwidths
        ]
        return torch.stack(errors).argmin(dim=0).numpy()


def _smoothed(
    at: Tensor, points: Tensor, values: Tensor, bandwidths: tuple[float, float], ridge: float, leave_out: bool = False
) -> Tensor:
    """Jet of the fit; `at` holds the jets of both coordinates (coordinate, component, ..., target)."""
    u, v = (jets.add_constant(at[i][..., None], -points[..., None, :, i]) / bandwidths[i] for i in (0, 1))
    logit = -0.5 * (jets.multiply(u, u) + jets.multiply(v, v))
    if leave_out:
        itself = torch.eye(points.shape[-2], dtype=torch.bool)
        logit = logit.masked_fill(itself, -torch.inf)
    share = jets.softmax(logit)

    def mean(of: Tensor) -> Tensor:
        return jets.multiply(share, of).sum(dim=-1)

    y = jets.constant(values[..., None, :].expand(share.shape[1:]), 1)
    mean_u, mean_v, mean_y = mean(u), mean(v), mean(y)

    def together(a: Tensor, b: Tensor, mean_a: Tensor, mean_b: Tensor) -> Tensor:
        return mean(jets.multiply(a, b)) - jets.multiply(mean_a, mean_b)

    penalty = torch.tensor(ridge + TINY, dtype=torch.float64)
    uu = jets.add_constant(together(u, u, mean_u, mean_u), penalty)
    vv = jets.add_constant(together(v, v, mean_v, mean_v), penalty)
    uv = together(u, v, mean_u, mean_v)
    uy, vy = together(u, y, mean_u, mean_y), together(v, y, mean_v, mean_y)
    by_u = jets.multiply(vv, uy) - jets.multiply(uv, vy)
    by_v = jets.multiply(uu, vy) - jets.multiply(uv, uy)
    reciprocal = _reciprocal(jets.multiply(uu, vv) - jets.multiply(uv, uv))
    slope = jets.multiply(by_u, mean_u) + jets.multiply(by_v, mean_v)
    return mean_y - jets.multiply(slope, reciprocal)


def _reciprocal(jet: Tensor) -> Tensor:
    value = jet[jets.VALUE].reciprocal()
    return jets.compose(jet, value, -value.square(), 2 * value**3)


def _jets(at: Coordinates) -> Tensor:
    """Jets (coordinate, component, target) of u and v: value and derivatives u, uu and v."""
    one, zero = np.ones_like(at.u), np.zeros_like(at.u)
    return torch.from_numpy(np.stack([[at.u, one, zero, zero], [at.v, zero, zero, one]]))


def _as_fitted(jet: Tensor, mean: float) -> Fitted:
    value, u, uu, v = jet.numpy()
    return Fitted(value + mean, u, uu, v)
