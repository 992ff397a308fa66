"""Surfaces of slow families, kept as Chebyshev coefficients and evaluated anywhere.

log(w / theta) is smooth in x = k / sqrt(theta) and log tau, where theta(tau) is a reference variance in closed form, so
a tensor of Chebyshev polynomials keeps it to many digits (Trefethen 2013, Approximation Theory and Approximation
Practice, chapter 8). Beyond the largest |x|, total variance goes on linearly in k, or level where it still falls there:
a convex bend. If w(k, tau) is free of arbitrage then so is w(k, c tau) for any c > 0: surfaces are taken from a table
at a random pace c, and no two are the same.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from ivyspt.corpus.draws import log_uniform


@dataclass(frozen=True)
class Domain:
    """Largest |x|, and the maturities (years) between which tables hold."""

    max_x: float
    shortest: float
    longest: float
    paces: tuple[float, float] = (1.0, 1.0)  # between which a drawn surface's pace lies

    def scaled_log_tau(self, time_to_maturity: Tensor) -> Tensor:
        """Log tau on [-1, 1]; maturities outside count as the nearest one inside."""
        low, high = math.log(self.shortest), math.log(self.longest)
        return ((2 * time_to_maturity.log() - low - high) / (high - low)).clamp(-1, 1)


@dataclass(frozen=True)
class Tables:
    """Several tabulated surfaces. Levels are variances, speeds per year, the parameters of theta; shape (surface, 1).

    theta = long tau + (short - long)(1 - exp(-speed tau)) / speed, the expected variance of a square-root process.
    """

    coefficients: Float[Tensor, "surface x tau"]
    short: Float[Tensor, "surface 1"]
    long: Float[Tensor, "surface 1"]
    speed: Float[Tensor, "surface 1"]
    pace: Float[Tensor, "surface 1"]
    domain: Domain

    def __len__(self) -> int:
        """How many surfaces there are."""
        return len(self.short)

    def reference_variance(self, time_to_maturity: Float[Tensor, "surface point"]) -> Float[Tensor, "surface point"]:
        """Theta at a time of the table, before any change of pace."""
        return reference_variance(self.short, self.long, self.speed, time_to_maturity)

    def total_variance(
        self, log_moneyness: Float[Tensor, "surface point"], time_to_maturity: Float[Tensor, "surface point"]
    ) -> Float[Tensor, "surface point"]:
        """Total variance at points of each surface."""
        tau = self.pace * time_to_maturity
        theta = self.reference_variance(tau)
        x, limit = log_moneyness / theta.sqrt(), self.domain.max_x
        inside = x.clamp(-limit, limit)
        over_tau = chebyshev(self.domain.scaled_log_tau(tau), self.coefficients.shape[2])
        coefficients = torch.einsum("spj,sij->isp", over_tau, self.coefficients)
        ratio = clenshaw(coefficients, inside / limit).exp()
        beyond = (x - inside).abs()
        if bool((beyond > 0).any()):
            slope = torch.where(x > 0, edge_slope(coefficients, 1.0), -edge_slope(coefficients, -1.0)) / limit
            ratio = ratio * (1 + slope.clamp(min=0) * beyond)
        return theta * ratio

    def reach(self, time_to_maturity: Float[Tensor, "surface point"]) -> Float[Tensor, "surface point"]:
        """Largest |k| of a maturity within the table."""
        return self.domain.max_x * self.reference_variance(self.pace * time_to_maturity).sqrt()

    def take(self, index: Int[Tensor, " surface"]) -> "Tables":
        """Some of the surfaces, repeats allowed."""
        rows = {f.name: getattr(self, f.name)[index] for f in fields(self) if f.name != "domain"}
        return Tables(**rows, domain=self.domain)

    def draw(self, count: int, generator: Generator) -> "Tables":
        """Surfaces at random, each at a pace of its own."""
        chosen = self.take(torch.randint(len(self), (count,), generator=generator))
        return replace(chosen, pace=log_uniform(self.domain.paces, (count, 1), generator))


def joined(parts: Sequence[Tables]) -> Tables:
    """Tables of one domain and one size, one after the other."""
    names = [field.name for field in fields(Tables) if field.name != "domain"]
    return Tables(*(torch.cat([getattr(part, name) for part in parts]) for name in names), domain=parts[0].domain)


def reference_variance(short: Tensor, long: Tensor, speed: Tensor, tau: Tensor) -> Tensor:
    """Expected integral of a square-root process' variance up to tau: long tau + (short - long)(1 - e)/speed."""
    return long * tau - (short - long) * torch.expm1(-speed * tau) / speed


def chebyshev(x: Float[Tensor, "*place"], count: int) -> Float[Tensor, "*place degree"]:
    """T_0 ... T_(count-1), count >= 2, at places in [-1, 1]."""
    values = [torch.ones_like(x), x]
    for _ in range(count - 2):
        values.append(torch.addcmul(-values[-2], x, values[-1], value=2))  # T_(n+1) = 2 x T_n - T_(n-1)
    return torch.stack(values, -1)


def clenshaw(
    coefficients: Float[Tensor, "degree surface point"], x: Float[Tensor, "surface point"]
) -> Float[Tensor, "surface point"]:
    """Sum of coefficients times T_0, T_1, ..., each place with its own (Clenshaw 1955)."""
    later, last = torch.zeros_like(x), torch.zeros_like(x)
    for number in range(len(coefficients) - 1, 0, -1):
        later, last = last, torch.addcmul(coefficients[number] - later, x, last, value=2)
    return torch.addcmul(coefficients[0] - later, x, last)


def edge_slope(coefficients: Float[Tensor, "degree surface point"], edge: float) -> Float[Tensor, "surface point"]:
    """Derivative of the sum at x = 1 or -1: T_n'(1) = n^2, T_n'(-1) = (-1)^(n+1) n^2."""
    degree = torch.arange(len(coefficients), dtype=coefficients.dtype)
    return torch.tensordot(degree**2 * edge ** (degree + 1), coefficients, dims=1)


def nodes(count: int) -> Float[Tensor, " node"]:
    """Roots of T_count, in [-1, 1] and falling."""
    return ((torch.arange(count, dtype=torch.float64) + 0.5) * math.pi / count).cos()


def coefficients_of(values: Float[Tensor, "surface x tau"]) -> Float[Tensor, "surface x tau"]:
    """Coefficients of the polynomial through values at `nodes` in both directions."""
    for axis in (1, 2):
        count = values.shape[axis]
        transform = 2 / count * chebyshev(nodes(count), count)  # (node, degree)
        transform[:, 0] /= 2
        values = torch.tensordot(values, transform, dims=([axis], [0])).movedim(-1, axis)
    return values
