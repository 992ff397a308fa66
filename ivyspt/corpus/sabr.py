"""SABR smiles whose parameters move with the expiry, by Hagan's expansion.

Hagan, Kumar, Lesniewski & Woodward (2002), "Managing smile risk", Wilmott 1, eq. (2.17a). The expansion is not free of
arbitrage: its wings bend above Lee's bound at long maturities and high vol of vol. Surfaces on which it breaks are
turned away where the pool is made.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ivyspt.corpus.heston import draw_levels
from ivyspt.corpus_config import Sabr

SMALL = 1e-4  # of the argument below which its ratio to chi is a series
REFERENCE = 0.5  # years


@dataclass(frozen=True)
class SabrSurfaces:
    """Parameters by surface; each has shape (surface,). Levels of variance as in Heston's expected variance."""

    short: Float[np.ndarray, " surface"]
    long: Float[np.ndarray, " surface"]
    speed: Float[np.ndarray, " surface"]
    beta: Float[np.ndarray, " surface"]
    early_correlation: Float[np.ndarray, " surface"]  # rho at maturity zero
    late_correlation: Float[np.ndarray, " surface"]  # and far out
    volatility: Float[np.ndarray, " surface"]  # nu at `REFERENCE`
    exponent: Float[np.ndarray, " surface"]  # nu falls with this power of tau

    def implied_vol(
        self, k: Float[np.ndarray, "surface maturity strike"], tau: Float[np.ndarray, "surface maturity"]
    ) -> Float[np.ndarray, "surface maturity strike"]:
        """Hagan's vol with alpha at the expiry's root mean expected variance."""

        def column(values: np.ndarray) -> np.ndarray:
            return values[:, None]

        short, long, speed = map(column, self.reference())
        alpha = np.sqrt(long - (short - long) * np.expm1(-speed * tau) / (speed * tau))
        nu = column(self.volatility) * (REFERENCE / tau) ** column(self.exponent)
        late = -np.expm1(-tau / REFERENCE)
        rho = column(self.early_correlation) * (1 - late) + column(self.late_correlation) * late
        return hagan(k, tau[..., None], alpha[..., None], column(self.beta)[..., None], rho[..., None], nu[..., None])

    def reference(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Short level, long level and speed of the variance at the money, per year."""
        return self.short, self.long, self.speed


def hagan(k, tau, alpha, beta, rho, nu) -> np.ndarray:
    """Implied vol of SABR with forward 1; arguments broadcast.

    Parameters
    ----------
    k, tau : array
        Log-moneyness and years.
    alpha, beta, rho, nu : array
        Vol now, exponent of the backbone in [0, 1], correlation in (-1, 1), vol of vol (> 0).
    """
    order = 1 - beta
    geometric = np.exp(order * k / 2)  # (F K)^((1 - beta) / 2)
    zeta = -nu / alpha * geometric * k
    chi = np.log((np.sqrt(1 - 2 * rho * zeta + zeta**2) + zeta - rho) / (1 - rho))
    series = 1 - rho * zeta / 2  # of zeta / chi, up to zeta^2
    with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 at the money
        ratio = np.where(np.abs(zeta) < SMALL, series, zeta / chi)
    backbone = geometric * (1 + (order * k) ** 2 / 24 + (order * k) ** 4 / 1920)
    drift = order**2 / 24 * (alpha / geometric) ** 2 + rho * beta * nu * alpha / (4 * geometric)
    return alpha / backbone * ratio * (1 + (drift + (2 - 3 * rho**2) / 24 * nu**2) * tau)


def draw_sabr(count: int, sabr: Sabr, generator: np.random.Generator) -> SabrSurfaces:
    """Draw parameters whose vol of vol falls with maturity, as fits by expiry find it to."""
    short, long, speed = draw_levels(count, sabr.levels, generator)
    early, change = generator.standard_normal((2, count))
    early = sabr.correlation_mean + sabr.correlation_spread * early
    late = early + sabr.correlation_change * change
    return SabrSurfaces(
        short,
        long,
        speed,
        generator.uniform(*sabr.beta, count),
        np.clip(early, *sabr.correlation),
        np.clip(late, *sabr.correlation),
        np.exp(generator.uniform(*np.log(sabr.volatility), count)),
        generator.uniform(*sabr.exponent, count),
    )
