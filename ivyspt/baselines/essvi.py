"""eSSVI, fitted to each surface with priors on its parameters, free of static arbitrage by construction."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ivyspt.baselines.barrier import Local, minimise
from ivyspt.baselines.padded import Padded, batches, padded
from ivyspt.baselines.residuals import at_nodes
from ivyspt.baselines.wing_slices import completion_of, interpolated, slack_of_slices, slack_of_steps
from ivyspt.completion import Completion, Context, Targets

MARGIN = 0.1  # of the start from the bounds of its slices


@dataclass(frozen=True)
class Prior:
    """Beliefs about (level, left, right); level counts from twice the logarithm of the context's median vol.

    `centre` and `std` of their mean over the expiries; `walk`, the standard deviation of their change over a unit of
    log(tau).
    """

    centre: np.ndarray
    std: np.ndarray
    walk: np.ndarray


# vague: skewed to the left as equity smiles are
VAGUE = Prior(np.array([-0.1, 0.0, -0.7]), np.array([0.5, 0.7, 0.7]), np.array([0.3, 0.3, 0.3]))


class ESSVI:
    """Hendriks & Martini's eSSVI with a slice at every expiry of the context, straight in log(tau) between them.

    Fitted to vols by Gauss-Newton inside the conditions of `ivyspt.baselines.wing_slices`, which hold at every strike
    and maturity up to the longest expiry, not only where quotes are (and beyond it until a wing's slope reaches 4).
    `fit` learns the prior of the parameters, by medians, from slices fitted to surfaces of training days.

    Parameters
    ----------
    noise : float
        Standard deviation of a quote's vol over the surface's median vol.
    huber : float
        In units of noise: where the loss turns from quadratic to linear.
    level_change, wing_change : float
        Over the learned change of the level and of the wings from expiry to expiry: smaller is smoother.
    strength : float
        Over the learned spread of parameters between surfaces: smaller holds more to their centre.
    prior_surfaces : int
        Surfaces of training days that the prior is learned from.

    References
    ----------
    Hendriks & Martini (2019), "The extended SSVI volatility surface", Journal of Computational Finance 22(5).
    Corbetta, Cohort, Laachir & Martini (2019), "Robust calibration and arbitrage-free interpolation of SSVI slices".
    """

    def __init__(
        self,
        noise: float,
        huber: float,
        level_change: float = 1.0,
        wing_change: float = 1.0,
        strength: float = 1.0,
        prior_surfaces: int = 100,
    ) -> None:
        self.noise, self.huber, self.strength, self.prior_surfaces = noise, huber, strength, prior_surfaces
        self.change = np.array([level_change, wing_change, wing_change])
        self.prior = VAGUE

    def fit(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        """Learn the prior from some of the training surfaces."""
        chosen = np.random.default_rng(seed).permutation(len(training))[: self.prior_surfaces]
        learned = learn([training[i][0] for i in chosen], self.noise, self.huber)
        self.prior = Prior(learned.centre, learned.std * self.strength, learned.walk * self.change)

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """Fit the context and evaluate where asked."""
        return self.complete_many([context], [(log_moneyness, time_to_maturity)])[0]

    def complete_many(
        self, contexts: Sequence[Context], asked: Sequence[tuple[np.ndarray, np.ndarray]], derivatives: bool = True
    ) -> list[Completion]:
        """Fit many contexts at once and evaluate each where asked."""
        answers: list[Completion | None] = [None] * len(contexts)
        for batch in batches(contexts):
            for i, (log_tau, nodes) in zip(
                batch, fitted([contexts[i] for i in batch], self.prior, self.noise, self.huber), strict=True
            ):
                k, tau = (np.asarray(each, float) for each in asked[i])
                answers[i] = completion_of(k, tau, *interpolated(log_tau, nodes, np.log(tau)))
        return answers


def fitted(
    contexts: Sequence[Context], prior: Prior, noise: float, huber: float
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each context log(tau) of its expiries and (level, left, right) there, (node, 3)."""
    data = padded(contexts)
    surfaces, nodes = data.listed.shape
    problem = Problem(data, prior, noise, huber)
    found = minimise(problem, problem.start().reshape(surfaces, -1)).reshape(surfaces, nodes, 3)
    found[..., 0] += 2 * np.log(data.level)[:, None]
    counts = data.listed.sum(axis=1)
    return [(data.log_tau[i, :m], found[i, :m]) for i, m in enumerate(counts)]


def learn(contexts: Sequence[Context], noise: float, huber: float) -> Prior:
    """Medians and robust spreads of slices fitted under the vague prior, which stands in where there are too few."""
    means, steps = [], []
    for batch in batches(contexts):
        chosen = [contexts[i] for i in batch]
        for context, (log_tau, nodes) in zip(chosen, fitted(chosen, VAGUE, noise, huber), strict=True):
            relative = nodes - [2 * np.log(np.median(context.implied_vol)), 0.0, 0.0]
            means.append(relative.mean(axis=0))
            steps.append(np.diff(relative, axis=0) / np.sqrt(np.diff(log_tau))[:, None])
    if len(means) < 3 or sum(map(len, steps)) < 3:
        return VAGUE
    centre = np.median(means, axis=0)
    return Prior(centre, _spread(np.array(means) - centre, VAGUE.std), _spread(np.concatenate(steps), VAGUE.walk))


def _spread(deviations: np.ndarray, vague: np.ndarray) -> np.ndarray:
    """Standard deviation of a normal with this median of absolute deviations, kept between 0.1 and 2 vague ones."""
    return np.clip(1.4826 * np.median(np.abs(deviations), axis=0), vague / 10, 2 * vague)


class Problem:
    """Loss, prior and constraints of the slices of many surfaces, for `minimise`; parameters (surface, node * 3)."""

    def __init__(self, data: Padded, prior: Prior, noise: float, huber: float) -> None:
        self.data, self.prior, self.noise, self.huber = data, prior, noise, huber
        self.log_theta = data.log_tau + 2 * np.log(data.level)[:, None]  # where the level is at its zero
        count = data.listed.sum(axis=1)
        self.to_centre = np.where(data.listed, 1 / count[:, None], 1.0)[..., None] / prior.std**2
        width = np.diff(data.log_tau)
        self.to_neighbour = np.where(data.listed[:, 1:], 1 / width, 0.0)[..., None] / prior.walk**2
        self.precision = self._precision()
        self.linear = _linear_slack_jacobian(data.log_tau.shape[1])

    def start(self) -> np.ndarray:
        """The prior's centre at every node, drawn inside the bounds of every slice: (surface, node, 3)."""
        data = self.data
        start = np.broadcast_to(self.prior.centre, (*data.listed.shape, 3)).copy()
        slack = np.where(data.listed[..., None], slack_of_slices(self.log_theta, *np.moveaxis(start, -1, 0)), np.inf)
        start[..., 1:] += np.minimum(slack.min(axis=(1, 2)) - MARGIN, 0.0)[:, None, None]
        return start

    def __call__(self, parameters: np.ndarray, rows: np.ndarray) -> Local:
        """The objective and its constraints for the surfaces `rows`."""
        surfaces, (_, nodes) = len(rows), self.data.listed.shape
        x = parameters.reshape(surfaces, nodes, 3)
        absolute = x + np.stack([2 * np.log(self.data.level[rows]), *np.zeros((2, surfaces))], axis=-1)[:, None]
        value, gradient, blocks = at_nodes(self.data, rows, absolute, self.noise, self.huber)
        off, change = x - self.prior.centre, np.diff(x, axis=1)
        pull, bend = self.to_centre[rows] * off, self.to_neighbour[rows] * change
        value = value + ((pull * off).sum(axis=(1, 2)) + (bend * change).sum(axis=(1, 2))) / 2
        gradient = gradient + pull
        gradient[:, 1:] += bend
        gradient[:, :-1] -= bend
        curvature = self.precision[rows].copy()
        each = np.arange(nodes)
        curvature[:, each, :, each, :] += blocks.swapaxes(0, 1)
        slack, slack_jacobian = self._slack(x, rows)
        unknowns = nodes * 3
        return Local(
            value,
            gradient.reshape(surfaces, unknowns),
            curvature.reshape(surfaces, unknowns, unknowns),
            slack,
            slack_jacobian.reshape(surfaces, -1, unknowns),
        )

    def _precision(self) -> np.ndarray:
        """Curvature of the prior, (surface, node, 3, node, 3)."""
        surfaces, nodes = self.data.listed.shape
        precision = np.zeros((surfaces, nodes, 3, nodes, 3))
        each, difference = np.arange(nodes), np.diff(np.eye(nodes), axis=0)
        for part in range(3):
            precision[:, :, part, :, part] = np.einsum(
                "jm,bj,jn->bmn", difference, self.to_neighbour[..., part], difference
            )
            precision[:, each, part, each, part] += self.to_centre[..., part]
        return precision

    def _slack(self, x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Slack (surface, constraint) and its jacobian (surface, constraint, node, 3); 1 and 0 where none is listed."""
        listed, log_theta = self.data.listed[rows], self.log_theta[rows]
        parts = np.moveaxis(x, -1, 0)
        steps, slices = slack_of_steps(log_theta, *parts), slack_of_slices(log_theta, *parts)
        nodes = x.shape[1]
        jacobian = np.repeat(self.linear[None], len(x), axis=0)
        jacobian[:, 4 * (nodes - 1) :] = _slice_slack_jacobian(x)
        slack = np.concatenate([steps.reshape(len(x), -1), slices.reshape(len(x), -1)], axis=1)
        held = np.concatenate([np.repeat(listed[:, 1:], 4, axis=1), np.repeat(listed, 4, axis=1)], axis=1)
        return np.where(held, slack, 1.0), np.where(held[..., None, None], jacobian, 0.0)


def _linear_slack_jacobian(nodes: int) -> np.ndarray:
    """Derivatives (constraint, node, 3) of the slack of steps, then zeros for that of slices."""
    jacobian = np.zeros((4 * (nodes - 1) + 4 * nodes, nodes, 3))
    for j in range(nodes - 1):
        own = slice(4 * j, 4 * j + 4)
        for node, sign in ((j, -1.0), (j + 1, 1.0)):
            jacobian[own, node] = sign * np.array([[0.5, -1, 0], [0.5, 1, 0], [0.5, 0, -1], [0.5, 0, 1]])
    return jacobian


def _slice_slack_jacobian(x: np.ndarray) -> np.ndarray:
    """Derivatives of the slack of slices in all nodes' parameters: (surface, 4 * node, node, 3)."""
    share = 1 / (1 + np.exp(x[..., 2] - x[..., 1]))  # of the left wing in e^left + e^right
    zero, one, half = np.zeros_like(share), np.ones_like(share), np.full_like(share, 0.5)
    own = -np.stack(
        [
            np.stack([zero, 1 + share, 1 - share], axis=-1),
            np.stack([zero, share, 2 - share], axis=-1),
            np.stack([half, one, zero], axis=-1),
            np.stack([half, zero, one], axis=-1),
        ],
        axis=2,
    )
    surfaces, nodes = share.shape
    jacobian = np.zeros((surfaces, nodes, 4, nodes, 3))
    each = np.arange(nodes)
    jacobian[:, each, :, each] = own.swapaxes(0, 1)
    return jacobian.reshape(surfaces, 4 * nodes, nodes, 3)
