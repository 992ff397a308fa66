"""SSVI with the power law, fitted to each surface with priors on its parameters, free of static arbitrage."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ivyspt.baselines.barrier import Local, minimise
from ivyspt.baselines.padded import Padded, batches, padded
from ivyspt.baselines.residuals import at_nodes
from ivyspt.baselines.wing_slices import completion_of, interpolated
from ivyspt.completion import Completion, Context, Targets


@dataclass(frozen=True)
class Prior:
    """Beliefs about the mean level over the expiries and (left, right, exponent): centre and std, (4,) each.

    The level counts from twice the logarithm of the context's median vol; `walk` is the standard deviation of its
    change over a unit of log(tau).
    """

    centre: np.ndarray
    std: np.ndarray
    walk: float


# vague: skewed to the left as equity smiles are
VAGUE = Prior(np.array([-0.1, 0.0, -0.7, 0.4]), np.array([0.5, 0.7, 0.7, 0.1]), 0.3)
LARGEST_WING, LARGEST_EXPONENT = np.log(2), 0.5
MARGIN = 0.02  # of the start from these


class SSVI:
    """Gatheral & Jacquier's SSVI: one correlation, psi = eta (theta / (1 + theta))^(1 - gamma), theta free by expiry.

    Its unknowns are the level log(theta / tau) at every expiry of the context, straight in log(tau) between and
    constant beyond, the wings left = log(eta (1 - rho)) and right = log(eta (1 + rho)), and the exponent gamma. Theta
    grows, both wings stay below log 2 and gamma between 0 and 1/2, so the surface is free of static arbitrage
    everywhere. `fit` learns the prior of the parameters, by medians, from surfaces of training days.

    Parameters
    ----------
    noise, huber, level_change, strength, prior_surfaces
        As for `ivyspt.baselines.essvi.ESSVI`.

    References
    ----------
    Gatheral & Jacquier (2014), "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14(1), remark 4.4.
    """

    def __init__(
        self, noise: float, huber: float, level_change: float = 1.0, strength: float = 1.0, prior_surfaces: int = 100
    ) -> None:
        self.noise, self.huber = noise, huber
        self.level_change, self.strength, self.prior_surfaces = level_change, strength, prior_surfaces
        self.prior = VAGUE

    def fit(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        """Learn the prior from some of the training surfaces."""
        chosen = np.random.default_rng(seed).permutation(len(training))[: self.prior_surfaces]
        learned = _learned([training[i][0] for i in chosen], self.noise, self.huber)
        self.prior = Prior(learned.centre, learned.std * self.strength, learned.walk * self.level_change)

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """Fit the context and evaluate where asked."""
        return self.complete_many([context], [(log_moneyness, time_to_maturity)])[0]

    def complete_many(
        self, contexts: Sequence[Context], asked: Sequence[tuple[np.ndarray, np.ndarray]], derivatives: bool = True
    ) -> list[Completion]:
        """Fit many contexts at once and evaluate each where asked."""
        answers = []
        for surface, points in zip(self.fitted(contexts), asked, strict=True):
            k, tau = (np.asarray(each, float) for each in points)
            answers.append(completion_of(k, tau, *surface.at(np.log(tau))))
        return answers

    def fitted(self, contexts: Sequence[Context]) -> list["Surface"]:
        """The surface of least loss for each context."""
        surfaces: list[Surface | None] = [None] * len(contexts)
        for batch in batches(contexts):
            found = _fitted([contexts[i] for i in batch], self.prior, self.noise, self.huber)
            for i, surface in zip(batch, found, strict=True):
                surfaces[i] = surface
        return surfaces


@dataclass(frozen=True)
class Surface:
    """An SSVI surface: log(tau) of its nodes, the level there, and (left, right, exponent)."""

    log_tau: np.ndarray
    level: np.ndarray
    shape: np.ndarray

    def at(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(level, left, right) of the slices at x = log(tau), and their slopes in x: (point, 3) each."""
        level, slope = (each[:, 0] for each in interpolated(self.log_tau, self.level[:, None], x))
        bend, by_log_theta, _ = _bend(level + x, self.shape[2])
        wings = by_log_theta * (slope + 1)
        values = np.stack([level, self.shape[0] + bend, self.shape[1] + bend], axis=1)
        return values, np.stack([slope, wings, wings], axis=1)


def _bend(log_theta, exponent) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log(psi / (eta sqrt(theta))), what theta adds to both wings; its derivatives in log(theta) and the exponent."""
    log_one_plus = np.logaddexp(0.0, log_theta)
    bend = (0.5 - exponent) * log_theta - (1 - exponent) * log_one_plus
    by_log_theta = (0.5 - exponent) - (1 - exponent) * np.exp(log_theta - log_one_plus)
    return bend, by_log_theta, log_one_plus - log_theta


def _fitted(contexts: Sequence[Context], prior: Prior, noise: float, huber: float) -> list[Surface]:
    data = padded(contexts)
    found = minimise(problem := _Problem(data, prior, noise, huber), problem.start())
    nodes = data.log_tau.shape[1]
    level = found[:, :nodes] + 2 * np.log(data.level)[:, None]
    counts = data.listed.sum(axis=1)
    return [Surface(data.log_tau[i, :m], level[i, :m], found[i, nodes:]) for i, m in enumerate(counts)]


def _learned(contexts: Sequence[Context], noise: float, huber: float) -> Prior:
    """Medians and robust spreads under the vague prior, which stands in where there are too few."""
    means, steps = [], []
    for batch in batches(contexts):
        chosen = [contexts[i] for i in batch]
        for context, surface in zip(chosen, _fitted(chosen, VAGUE, noise, huber), strict=True):
            level = surface.level - 2 * np.log(np.median(context.implied_vol))
            means.append([level.mean(), *surface.shape])
            steps.append(np.diff(level) / np.sqrt(np.diff(surface.log_tau)))
    changes = np.concatenate([np.zeros(0), *steps])
    if len(means) < 3 or len(changes) < 3:
        return VAGUE
    centre = np.median(means, axis=0)
    std = 1.4826 * np.median(np.abs(np.array(means) - centre), axis=0)
    walk = 1.4826 * np.median(np.abs(changes))
    return Prior(
        centre, np.clip(std, VAGUE.std / 10, 2 * VAGUE.std), float(np.clip(walk, VAGUE.walk / 10, 2 * VAGUE.walk))
    )


class _Problem:
    """Loss, prior and constraints of many surfaces, for `minimise`; parameters: levels of the nodes, then the shape."""

    def __init__(self, data: Padded, prior: Prior, noise: float, huber: float) -> None:
        self.data, self.prior, self.noise, self.huber = data, prior, noise, huber
        self.log_theta = data.log_tau + 2 * np.log(data.level)[:, None]  # where the level is at its zero
        nodes = data.log_tau.shape[1]
        self.difference = np.concatenate([np.diff(np.eye(nodes), axis=0), np.zeros((nodes - 1, 3))], axis=1)
        to_neighbour = np.where(data.listed[:, 1:], 1 / np.diff(data.log_tau), 0.0) / prior.walk**2
        self.precision = np.einsum("jp,bj,jq->bpq", self.difference, to_neighbour, self.difference)
        count = data.listed.sum(axis=1, keepdims=True)
        to_centre = np.where(data.listed, 1 / count, 1.0) / prior.std[0] ** 2
        shape = np.broadcast_to(1 / prior.std[1:] ** 2, (len(count), 3))
        each = np.arange(nodes + 3)
        self.precision[:, each, each] += np.concatenate([to_centre, shape], axis=1)
        self.centre = np.concatenate([np.full(nodes, prior.centre[0]), prior.centre[1:]])

    def start(self) -> np.ndarray:
        """The prior's centre, drawn inside the bounds."""
        start = np.repeat(self.centre[None], len(self.log_theta), axis=0)
        start[:, -3:-1] = np.minimum(start[:, -3:-1], LARGEST_WING - MARGIN)
        start[:, -1] = np.clip(start[:, -1], MARGIN, LARGEST_EXPONENT - MARGIN)
        return start

    def __call__(self, parameters: np.ndarray, rows: np.ndarray) -> Local:
        """The objective and its constraints for the surfaces `rows`."""
        nodes = self.log_theta.shape[1]
        level, shape = parameters[:, :nodes], parameters[:, nodes:]
        bend, by_log_theta, by_exponent = _bend(level + self.log_theta[rows], shape[:, 2:])
        absolute = level + 2 * np.log(self.data.level[rows])[:, None]
        slices = np.stack([absolute, shape[:, :1] + bend, shape[:, 1:2] + bend], axis=-1)
        value, gradient, blocks = at_nodes(self.data, rows, slices, self.noise, self.huber)
        by_unknown = np.zeros((*slices.shape, nodes + 3))  # of level, left, right at each node
        each = np.arange(nodes)
        own = np.stack([np.ones_like(bend), by_log_theta, by_log_theta], axis=-1)
        by_unknown[:, each, :, each] = own.swapaxes(0, 1)
        by_unknown[:, :, 1, nodes] = by_unknown[:, :, 2, nodes + 1] = 1.0
        by_unknown[:, :, 1:, nodes + 2] = by_exponent[..., None]
        off = parameters - self.centre
        pull = (self.precision[rows] @ off[..., None])[..., 0]
        flat = by_unknown.reshape(len(rows), nodes * 3, nodes + 3)
        curved = (blocks @ by_unknown).reshape(flat.shape)
        return Local(
            value + (off * pull).sum(axis=1) / 2,
            pull + (gradient.reshape(len(rows), 1, -1) @ flat)[:, 0],
            self.precision[rows] + flat.swapaxes(1, 2) @ curved,
            *self._slack(parameters, rows),
        )

    def _slack(self, parameters: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Growth of log(theta), then of left, right and the exponent what is left to their bounds."""
        nodes = self.log_theta.shape[1]
        listed = self.data.listed[rows, 1:]
        growth = np.diff(parameters[:, :nodes] + self.log_theta[rows], axis=1)
        shape = parameters[:, nodes:]
        bounds = np.concatenate([LARGEST_WING - shape[:, :2], shape[:, 2:], LARGEST_EXPONENT - shape[:, 2:]], axis=1)
        slack = np.concatenate([np.where(listed, growth, 1.0), bounds], axis=1)
        jacobian = np.zeros((*slack.shape, nodes + 3))
        jacobian[:, : nodes - 1] = np.where(listed[..., None], self.difference, 0.0)
        jacobian[:, nodes - 1 :, nodes:] = [[-1, 0, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]
        return slack, jacobian
