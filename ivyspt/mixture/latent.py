"""The unconstrained numbers that make an arbitrage-free surface, and how vol moves with them.

Each component is an eSSVI surface whose three logarithms increase with maturity u = log tau:

    log theta(u) = base + level + sum_j b_j H_j(u)            b_j > 0
    log a±(u)    = (base + level)/2 + log A + lean± + sum_j b_j s±_j H_j(u)      0 < s±_j < 1

Hence theta and both wing slopes increase and theta/(a+ + a-) increases too, which excludes calendar spreads
(Hendriks & Martini 2019, proposition 3.5); a common factor on a± keeps them below the bounds of Gatheral & Jacquier
(2014), theorem 4.2, which excludes butterflies. Components are averaged in price, which keeps both.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from ivyspt.mixture.essvi_slices import EssviSlices, essvi_slices
from ivyspt.mixture.maturity_basis import hats
from ivyspt.mixture.price_mixture import Mixed, mix
from ivyspt.mixture.typical import (
    CAP_NODES,
    LARGEST_BUTTERFLY,
    LARGEST_WING,
    LONGEST,
    SHARE_AT_ZERO,
    SHORTEST,
    SLOPE_AT_ZERO,
    TYPICAL_SLOPE,
)


@dataclass(frozen=True)
class Layout:
    """How many components and knots, and where their numbers lie in a vector."""

    components: int
    knots: int

    @property
    def per_component(self) -> int:
        """Numbers of one component: level, two leans, and three rows of knots; its weight comes last."""
        return 4 + 3 * self.knots

    @property
    def size(self) -> int:
        """Length of the vector."""
        return self.components * self.per_component

    def split(self, latent: Float[Tensor, "batch size"]) -> tuple[Tensor, ...]:
        """level, right and left lean, logit (batch, component); slope, right and left share (…, knot)."""
        rows = latent.unflatten(-1, (self.components, self.per_component))
        knots = self.knots
        return (
            *rows[..., :4].unbind(-1),
            rows[..., 4 : 4 + knots],
            rows[..., 4 + knots : 4 + 2 * knots],
            rows[..., 4 + 2 * knots :],
        )


@dataclass(frozen=True)
class Basis:
    """The basis in log-maturity at points: hats, and their integrals from the anchor."""

    hats: Float[Tensor, "batch point knot"]
    integrals: Float[Tensor, "batch point knot"]


@dataclass(frozen=True)
class Frame:
    """What is fixed by the context's coordinates: knots, anchor and the base level of log-variance there."""

    knots: Float[Tensor, "batch knot"]
    anchor: Float[Tensor, "batch 1"]  # log-maturity
    base: Float[Tensor, "batch 1"]  # log of total variance

    @cached_property
    def _at_anchor(self) -> Float[Tensor, "batch 1 knot"]:
        return hats(self.anchor, self.knots)[1]

    @cached_property
    def over_all_maturities(self) -> Float[Tensor, "batch node knot"]:
        """Integrals at the nodes on which the bounds are enforced."""
        nodes = torch.linspace(math.log(SHORTEST), math.log(LONGEST), CAP_NODES + 1, dtype=self.knots.dtype)
        return self.basis(nodes.to(self.knots.device).expand(len(self.knots), -1)).integrals

    def basis(self, u: Float[Tensor, "batch point"]) -> Basis:
        """The basis at log-maturities u."""
        value, integral = hats(u, self.knots)
        return Basis(value, integral - self._at_anchor)


@dataclass(frozen=True)
class Components:
    """The components' shapes at points: (batch, component, point), and what their Jacobian needs."""

    slices: EssviSlices
    basis: Basis


@dataclass(frozen=True)
class MixtureSurface:
    """One surface for each row of the batch, free of static arbitrage whatever the latent numbers are."""

    layout: Layout
    frame: Frame
    latent: Float[Tensor, "batch size"]

    def log_weights(self) -> Float[Tensor, "batch component"]:
        """Logarithms of the components' weights."""
        return self.layout.split(self.latent)[3].log_softmax(-1)

    def components(self, k: Float[Tensor, "batch point"], basis: Basis) -> Components:
        """Evaluate each component."""
        log_theta, log_right, log_left = self._curves(basis.integrals)
        cap = self._cap()[..., None]
        return Components(essvi_slices(k[:, None], log_theta, log_right + cap, log_left + cap), basis)

    def growth(self, components: Components) -> Float[Tensor, "batch component point"]:
        """∂w/∂ log tau of each component."""
        slope, right, left = self._coefficients()
        slices, value = components.slices, components.basis.hats
        growth = slices.by_log_theta * _at(slope, value)
        growth = growth + slices.by_log_right * _at(slope * right, value)
        return growth + slices.by_log_left * _at(slope * left, value)

    def mixed(self, k: Tensor, components: Components) -> Mixed:
        """Average the components in price."""
        return mix(k, components.slices.w, self.log_weights())

    def jacobian(
        self, components: Components, by_variance: Float[Tensor, "batch component point"], by_logit: Tensor
    ) -> Float[Tensor, "batch point size"]:
        """∂/∂ latent numbers of what moves by so much with each component's variance and log-weight.

        The bounds' factor is taken as constant.
        """
        slope_raw = self.layout.split(self.latent)[4]
        slope, right, left = self._coefficients()
        slices = components.slices
        by_theta, by_right, by_left = (
            part * by_variance for part in (slices.by_log_theta, slices.by_log_right, slices.by_log_left)
        )
        level = by_theta + (by_right + by_left) / 2
        basis = components.basis.integrals[:, None]  # (batch, 1, point, knot)
        by_right_knot, by_left_knot = by_right[..., None] * basis, by_left[..., None] * basis
        by_slope = by_theta[..., None] * basis + by_right_knot * right[:, :, None] + by_left_knot * left[:, :, None]
        rows = torch.cat(
            (
                torch.stack((level, by_right, by_left, by_logit), -1),
                by_slope * (slope_raw + SLOPE_AT_ZERO).sigmoid()[:, :, None],
                by_right_knot * (slope * right * (1 - right))[:, :, None],
                by_left_knot * (slope * left * (1 - left))[:, :, None],
            ),
            -1,
        )
        return rows.transpose(1, 2).flatten(-2)

    def _coefficients(self) -> tuple[Tensor, Tensor, Tensor]:
        """Slopes of log theta at the knots, and the shares that the wings take; (batch, component, knot)."""
        _, _, _, _, slope, right, left = self.layout.split(self.latent)
        return softplus(slope + SLOPE_AT_ZERO), (right + SHARE_AT_ZERO).sigmoid(), (left + SHARE_AT_ZERO).sigmoid()

    def _curves(self, integrals: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        level, lean_right, lean_left, _, _, _, _ = self.layout.split(self.latent)
        slope, right, left = self._coefficients()
        start = (self.frame.base + level)[..., None]
        wing = start / 2 + math.log(TYPICAL_SLOPE)
        return (
            start + _at(slope, integrals),
            wing + lean_right[..., None] + _at(slope * right, integrals),
            wing + lean_left[..., None] + _at(slope * left, integrals),
        )

    def _cap(self) -> Float[Tensor, "batch component"]:
        """The logarithm, at most 0, of the factor on both wing slopes that rules butterflies out at every maturity.

        Within a cell of log-maturity the wing slopes are largest at its end and theta is smallest at its start.
        """
        log_theta, log_right, log_left = self._curves(self.frame.over_all_maturities)
        steepest = torch.maximum(log_right, log_left)
        mean = torch.logaddexp(log_right, log_left) - math.log(2)
        butterfly = (mean + steepest)[..., 1:] - log_theta[..., :-1] - LARGEST_BUTTERFLY
        wing = steepest[..., -1] - LARGEST_WING
        return -torch.maximum(butterfly.amax(-1) / 2, wing).clamp_min(0)


def _at(coefficients: Tensor, basis: Tensor) -> Tensor:
    """(batch, component, knot) and (batch, point, knot) to (batch, component, point)."""
    return coefficients @ basis.transpose(-1, -2)
