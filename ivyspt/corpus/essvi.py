"""Random eSSVI surfaces that are free of static arbitrage by construction, at every maturity.

Variance at the money reverts in two speeds: the forward variance of maturity tau is
xi = V (1 - e2) + m (e2 - e1) + v e1 with e1 = exp(-fast tau) <= e2 = exp(-slow tau), a mean of positive levels, so
theta = integral of xi grows. The slopes of both wings are power laws of theta,

    psi (1 - rho) = left (theta / (1 + theta))^(1 - gamma_left),  psi (1 + rho) likewise with right and gamma_right,

so rho varies with maturity where the exponents differ. Both slopes grow with theta and each over theta falls, hence
psi / theta too: no calendar arbitrage (Hendriks & Martini 2019, proposition 3.5). Butterflies: psi (1 + |rho|) is the
larger slope p, and psi^2 (1 + |rho|) / theta <= p^2 / theta. For gamma in (0, 1/2] the largest value of
p / sqrt(theta) is eta times `steepest(gamma)`, so eta <= 2 / steepest(gamma) < 4 keeps both bounds of Gatheral &
Jacquier (2014), theorem 4.2.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from ivyspt.corpus.draws import choose, log_uniform, normal, uniform
from ivyspt.corpus_config import Essvi

LARGEST_SLOPE = 2.0  # of a wing, over sqrt(theta): psi^2 (1 + |rho|) <= 4 theta
SLACK = 1 - 1e-9  # keeps rounding on the safe side of the bounds


@dataclass(frozen=True)
class EssviSurfaces:
    """Parameters of several surfaces; each has shape (surface, 1). Levels are variances, speeds per year."""

    short: Tensor  # v
    medium: Tensor  # m
    long: Tensor  # V
    fast: Tensor
    slow: Tensor
    left: Tensor
    right: Tensor
    left_exponent: Tensor
    right_exponent: Tensor

    def at_the_money(self, time_to_maturity: Float[Tensor, "surface point"]) -> Float[Tensor, "surface point"]:
        """Theta, the total variance at the money."""
        fast, slow = (
            -torch.expm1(-speed * time_to_maturity) / speed for speed in (self.fast, self.slow)
        )  # integrals of e1, e2
        return self.long * (time_to_maturity - slow) + self.medium * (slow - fast) + self.short * fast

    def total_variance(
        self, log_moneyness: Float[Tensor, "surface point"], time_to_maturity: Float[Tensor, "surface point"]
    ) -> Float[Tensor, "surface point"]:
        """Total variance; Hendriks & Martini (2019), eq. (1.2), in terms of the wings' slopes."""
        theta = self.at_the_money(time_to_maturity)
        left = power_law(theta, self.left, self.left_exponent)
        right = power_law(theta, self.right, self.right_exponent)
        tilt, psi = (right - left) / 2, (right + left) / 2  # tilt = rho psi
        k = log_moneyness
        root = ((psi * k) ** 2 + 2 * tilt * theta * k + theta**2).sqrt()
        return (theta + tilt * k + root) / 2

    def reach(self, time_to_maturity: Float[Tensor, "surface point"]) -> Float[Tensor, "surface point"]:
        """Largest |k| of a maturity at which the surface may be asked: any."""
        return torch.full_like(time_to_maturity, torch.inf)


def power_law(theta: Tensor, eta: Tensor | float, gamma: Tensor) -> Tensor:
    """A wing's slope, eta (theta / (1 + theta))^(1 - gamma)."""
    return eta * (theta / (1 + theta)) ** (1 - gamma)


def steepest(gamma: Tensor) -> Tensor:
    """The largest (theta / (1 + theta))^(1 - gamma) / sqrt(theta) over all theta, reached at theta = 1 - 2 gamma."""
    theta = 1 - 2 * gamma
    return torch.where(theta > 0, theta, 1.0) ** ((1 - 2 * gamma) / 2) / (1 + theta) ** (1 - gamma)


def draw_essvi(count: int, essvi: Essvi, generator: Generator) -> EssviSurfaces:
    """Draw surfaces like those of indices, stocks and commodities, in the shares of the settings."""
    kinds = essvi.kinds.values()
    kind = choose({name: kind.share for name, kind in essvi.kinds.items()}, count, generator)

    def of_kind(name: str) -> Tensor:
        return torch.tensor([getattr(each, name) for each in kinds], dtype=torch.float64)[kind][:, None]

    shape = (count, 1)
    long = of_kind("long_vol") * normal(essvi.long_vol_spread, shape, generator).exp()
    medium = long * normal(essvi.medium_vol_spread, shape, generator).exp()
    short = medium * normal(essvi.short_vol_spread, shape, generator).exp()
    levels = [vol.clamp(*essvi.vols).square() for vol in (short, medium, long)]
    speeds = [log_uniform(between, shape, generator) for between in (essvi.fast, essvi.slow)]
    left, right = (
        (of_kind(wing) * (of_kind("spread") * normal(1.0, shape, generator)).exp()).clamp(max=LARGEST_SLOPE)
        for wing in ("left", "right")
    )
    lowest, highest = ((1 + rho) / (1 - rho) for rho in essvi.correlation)  # right over left
    right = torch.minimum(torch.maximum(right, lowest * left), highest * left)
    exponents = [uniform(essvi.exponent, shape, generator) for _ in range(2)]
    unscaled = EssviSurfaces(*levels, *speeds, left, right, *exponents)
    reference = unscaled.at_the_money(torch.full(shape, essvi.reference, dtype=torch.float64))
    etas = [
        torch.minimum(
            slope * reference.sqrt() / power_law(reference, 1.0, gamma),
            SLACK * LARGEST_SLOPE / steepest(gamma),
        )
        for slope, gamma in zip((left, right), exponents, strict=True)
    ]
    return EssviSurfaces(*levels, *speeds, *etas, *exponents)
