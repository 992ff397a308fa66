"""Raw SVI expiry by expiry, each held to the SSVI slice of the same surface."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ivyspt import svi
from ivyspt.baselines.barrier import Local, minimise
from ivyspt.baselines.ssvi import SSVI
from ivyspt.baselines.wing_slices import natural
from ivyspt.completion import Completion, Context, Targets

BATCH_SLICES = 2000
LARGEST_RHO = 0.99  # of the start


class SVISlices:
    """Gatheral's raw SVI on every expiry with enough quotes, from the SSVI fit of the surface; SSVI's slice elsewhere.

    The slice's unknowns are the logarithms of its least total variance, slope and width, the inverse hyperbolic tangent
    of rho, and its shift over the width it starts from; a normal prior of standard deviation `freedom` holds each to
    SSVI. Both wings keep Lee's bound, nothing else is imposed: slices may cross and carry butterflies. Between expiries
    total variance is straight in tau at fixed log-moneyness, beyond them vol is that of the nearest expiry at the same
    k / sqrt(tau).

    Parameters
    ----------
    noise, huber : float
        As for `ivyspt.baselines.essvi.ESSVI`.
    min_points : int
        Quotes that an expiry must have for a slice of its own.
    freedom : float
        How far a slice's unknowns stray from SSVI.

    References
    ----------
    Gatheral & Jacquier (2014), "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14(1), section 3.
    """

    def __init__(self, noise: float, huber: float, min_points: int, freedom: float, prior_surfaces: int = 100) -> None:
        self.noise, self.huber, self.min_points, self.freedom = noise, huber, min_points, freedom
        self.whole = SSVI(noise, huber, prior_surfaces=prior_surfaces)

    def fit(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        """Learn SSVI's prior; the slices are fitted to each surface on its own."""
        self.whole.fit(training, seed)

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """Fit the context and evaluate where asked."""
        return self.complete_many([context], [(log_moneyness, time_to_maturity)])[0]

    def complete_many(
        self, contexts: Sequence[Context], asked: Sequence[tuple[np.ndarray, np.ndarray]], derivatives: bool = True
    ) -> list[Completion]:
        """Fit the slices of many contexts at once and evaluate each where asked."""
        slices = [
            each
            for context, surface in zip(contexts, self.whole.fitted(contexts), strict=True)
            for each in _slices(context, *surface.at(surface.log_tau)[:1])
        ]
        long = [i for i, each in enumerate(slices) if each.implied_vol.size >= self.min_points]
        unknowns = np.array([each.start for each in slices])
        for first in range(0, len(long), BATCH_SLICES):
            chosen = long[first : first + BATCH_SLICES]
            problem = _Problem([slices[i] for i in chosen], self.noise, self.huber, self.freedom)
            unknowns[chosen] = minimise(problem, unknowns[chosen])
        raw = _raw(unknowns, np.array([each.width for each in slices]))
        ends = np.cumsum([np.unique(context.time_to_maturity).size for context in contexts])
        answers = []
        for context, points, own in zip(contexts, asked, np.split(raw, ends[:-1]), strict=True):
            k, tau = (np.asarray(each, float) for each in points)
            answers.append(_between(np.unique(context.time_to_maturity), own, k, tau))
        return answers


@dataclass(frozen=True)
class Slice:
    """One expiry's quotes, and the unknowns and width of the SSVI slice that they start from."""

    tau: float
    log_moneyness: np.ndarray
    implied_vol: np.ndarray
    level: float  # median vol of the surface
    start: np.ndarray
    width: float


def _slices(context: Context, wings: np.ndarray) -> list[Slice]:
    level = float(np.median(context.implied_vol))
    found = []
    for tau, own in zip(np.unique(context.time_to_maturity), wings, strict=True):
        here = context.time_to_maturity == tau
        k, vol = context.log_moneyness[here], context.implied_vol[here]
        order = np.lexsort((vol, k))
        start, width = _as_raw(*natural(tau, *own))
        found.append(Slice(float(tau), k[order], vol[order], level, start, width))
    return found


def _as_raw(theta: float, rho: float, psi: float) -> tuple[np.ndarray, float]:
    """Raw SVI's unknowns and width of an SSVI slice: Gatheral & Jacquier (2014), section 4, with phi = psi / theta."""
    rho = np.clip(rho, -LARGEST_RHO, LARGEST_RHO)
    across = np.sqrt(1 - rho**2)
    width = across * theta / psi
    shift = -rho * theta / psi
    return np.array([np.log(theta * across**2), np.log(psi / 2), np.arctanh(rho), shift / width, 0.0]), float(width)


def _raw(unknowns: np.ndarray, width: np.ndarray) -> np.ndarray:
    """a, b, rho, m, sigma of slices, (slice, 5)."""
    least, slope, tilt, shift, wider = unknowns.T
    b, rho, sigma = np.exp(slope), np.tanh(tilt), width * np.exp(wider)
    return np.stack([np.exp(least) - b * sigma * np.sqrt(1 - rho**2), b, rho, shift * width, sigma], axis=1)


class _Problem:
    """Loss, prior and Lee's bound of many slices, for `minimise`; parameters (slice, 5)."""

    def __init__(self, slices: Sequence[Slice], noise: float, huber: float, freedom: float) -> None:
        shape = len(slices), max(each.implied_vol.size for each in slices)
        self.k, self.vol, self.quoted = np.zeros(shape), np.ones(shape), np.zeros(shape, bool)
        for i, each in enumerate(slices):
            n = each.implied_vol.size
            self.k[i, :n], self.vol[i, :n], self.quoted[i, :n] = each.log_moneyness, each.implied_vol, True
        self.tau = np.array([each.tau for each in slices])[:, None]
        self.unit = noise * np.array([each.level for each in slices])[:, None]
        self.width = np.array([each.width for each in slices])
        self.centre = np.array([each.start for each in slices])
        self.huber, self.precision = huber, 1 / freedom**2

    def __call__(self, parameters: np.ndarray, rows: np.ndarray) -> Local:
        """The objective and its constraints for the slices `rows`."""
        w, slope = _variance(self.k[rows], _raw(parameters, self.width[rows]), self.width[rows])
        tau, unit, quoted = self.tau[rows], self.unit[rows], self.quoted[rows]
        vol = np.sqrt(w / tau)
        residual = np.where(quoted, (vol - self.vol[rows]) / unit, 0.0)
        slope = np.where(quoted, 1 / (2 * vol * tau * unit), 0.0)[..., None] * slope
        root = np.sqrt(1 + (residual / self.huber) ** 2)
        off = parameters - self.centre[rows]
        value = (residual**2 / (1 + root)).sum(axis=1) + self.precision * (off**2).sum(axis=1) / 2
        gradient = ((residual / root)[..., None] * slope).sum(axis=1) + self.precision * off
        curvature = slope.swapaxes(1, 2) @ (slope / root[..., None]) + self.precision * np.eye(5)
        tilt = parameters[:, 2]
        # log(2 / (b (1 ± rho))), of which the steeper wing has the lesser
        slack = np.stack([-parameters[:, 1] + np.logaddexp(0.0, -2 * s * tilt) for s in (1, -1)], axis=1)
        jacobian = np.zeros((len(rows), 2, 5))
        jacobian[:, :, 1] = -1.0
        jacobian[:, :, 2] = np.stack([-2 * s / (1 + np.exp(2 * s * tilt)) for s in (1, -1)], axis=1)
        return Local(value, gradient, curvature, slack, jacobian)


def _variance(k: np.ndarray, raw: np.ndarray, width: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Total variance of slices at k (slice, point) and its derivatives in the unknowns (slice, point, 5)."""
    a, b, rho, m, sigma = (each[:, None] for each in raw.T)
    w, by_k, _ = svi.raw_svi(k, a=a, b=b, rho=rho, m=m, sigma=sigma)
    across, x = np.sqrt(1 - rho**2), k - m
    least = np.broadcast_to(a + b * sigma * across, w.shape)
    slope = [
        least,
        w - least,
        b * across * (across * x + sigma * rho),
        -by_k * width[:, None],
        b * sigma * (sigma / np.sqrt(x**2 + sigma**2) - across),
    ]
    return w, np.stack(slope, axis=-1)


def _between(expiries: np.ndarray, raw: np.ndarray, k: np.ndarray, tau: np.ndarray) -> Completion:
    """Vols and derivatives between the slices of one surface and beyond them."""
    inside = np.clip(tau, expiries[0], expiries[-1])
    later = np.clip(np.searchsorted(expiries, inside, side="right"), min(1, len(expiries) - 1), len(expiries) - 1)
    earlier = np.maximum(later - 1, 0)
    stretch = np.sqrt(inside / tau)  # 1 between the slices
    (w0, k0, kk0), (w1, k1, kk1) = (_at(raw[number], k * stretch) for number in (earlier, later))
    gap = expiries[later] - expiries[earlier]
    rate = np.where(gap > 0, 1.0, 0.0) / np.where(gap > 0, gap, 1.0)
    share = (inside - expiries[earlier]) * rate
    w, w_k, w_kk = w0 + share * (w1 - w0), k0 + share * (k1 - k0), kk0 + share * (kk1 - kk0)
    beyond = inside != tau
    grown = tau / inside
    # beyond: w(k, tau) = w_end(k stretch) grown, with stretch = grown^(-1/2)
    w_tau = np.where(beyond, (w - k * stretch * w_k / 2) / inside, (w1 - w0) * rate)
    w_tau = np.where(~beyond & (gap == 0), (w - k * w_k / 2) / inside, w_tau)
    w = w * grown
    return Completion(np.sqrt(w / tau), w_k * grown * stretch, w_kk, w_tau)


def _at(raw: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a, b, rho, m, sigma = raw.T
    return svi.raw_svi(k, a=a, b=b, rho=rho, m=m, sigma=sigma)
