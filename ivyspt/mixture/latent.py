"""The unconstrained numbers that make an arbitrage-free surface, and how vol moves with them.

Each component is an eSSVI surface whose three logarithms increase with maturity u = log tau:

    log theta(u) = base + level + sum_j b_j H_j(u)            b_j > 0
    log a±(u)    = (base + level)/2 + log A + lean± + sum_j b_j s±_j H_j(u)      0 < s±_j < 1

Hence theta and both wing slopes increase and theta/(a+ + a-) increases too, which excludes calendar spreads
(Hendriks & Martini 2019, proposition 3.5). The bounds of Gatheral & Jacquier (2014), theorem 4.2, which exclude
butterflies, are kept at each maturity by itself (`wing_bounds`), or by one factor on a± at all maturities. Components
are averaged in price, which keeps both.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int
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
from ivyspt.mixture.wing_bounds import bounded_slices


@dataclass(frozen=True)
class Layout:
    """How many components and knots, how wing slopes are bounded, and where the numbers lie in a vector."""

    components: int
    knots: int
    bounds_by_maturity: bool = False

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
class Bound:
    """Where a component's wing slopes must be lowered most, and how the factor moves with the curves there."""

    excess: Float[Tensor, "batch component"]  # logarithm; positive where the bounds bind
    start: Int[Tensor, "batch component"]  # node of theta
    end: Int[Tensor, "batch component"]  # node of the wing slopes
    by_theta: Float[Tensor, "batch component"]
    by_right: Float[Tensor, "batch component"]
    by_left: Float[Tensor, "batch component"]

    @property
    def binds(self) -> Bool[Tensor, "batch component"]:
        """Whether the factor is below one."""
        return self.excess > 0


@dataclass(frozen=True)
class Components:
    """The components' shapes at points: (batch, component, point), and what their Jacobian needs."""

    slices: EssviSlices
    basis: Basis
    bound: Bound | None  # none where wing slopes are bounded at each maturity by itself


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
        if self.layout.bounds_by_maturity:
            return Components(bounded_slices(k[:, None], log_theta, log_right, log_left), basis, None)
        bound = self._bound()
        # the logarithm, at most 0, of the factor on both wing slopes that rules butterflies out at every maturity
        cap = -bound.excess.clamp_min(0)[..., None]
        return Components(essvi_slices(k[:, None], log_theta, log_right + cap, log_left + cap), basis, bound)

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
        """∂/∂ latent numbers of what moves by so much with each component's variance and log-weight."""
        slices, bound = components.slices, components.bound
        fields = (
            torch.stack((slices.by_log_theta, slices.by_log_right, slices.by_log_left), -1) * by_variance[..., None]
        )
        by_fields = self._by_fields()
        rows = fields @ by_fields * _by_number(components.basis.integrals)[:, None]
        rows[..., 3] = by_logit
        if bound is not None and bound.binds.any():
            cap = self._cap_by_latent(bound, by_fields)
            rows = torch.addcmul(rows, fields[..., 1:].sum(-1, keepdim=True), cap[:, :, None])
        return rows.transpose(1, 2).flatten(-2)

    def _by_fields(self) -> Float[Tensor, "batch component 3 number"]:
        """How latent numbers move log theta and both wing slopes; those of a knot still times its hat's integral."""
        slope, right, left = self._coefficients()
        gain = (self.layout.split(self.latent)[4] + SLOPE_AT_ZERO).sigmoid()
        none = torch.zeros_like(slope)
        # of the level, the two leans and the weight
        own = slope.new_tensor([[1.0, 0.0, 0.0, 0.0], [0.5, 1.0, 0.0, 0.0], [0.5, 0.0, 1.0, 0.0]])
        by_knot = (
            (gain, none, none),
            (gain * right, slope * right * (1 - right), none),
            (gain * left, none, slope * left * (1 - left)),
        )
        rows = [torch.cat((own[curve].expand(*slope.shape[:2], -1), *by_knot[curve]), -1) for curve in range(3)]
        return torch.stack(rows, 2)

    def _cap_by_latent(self, bound: "Bound", by_fields: Tensor) -> Float[Tensor, "batch component number"]:
        """∂/∂ latent numbers of the logarithm of the bounds' factor, by the nodes at which they bind."""
        nodes = self.frame.over_all_maturities
        start, end = (
            _by_number(nodes.gather(1, node[..., None].expand(-1, -1, nodes.shape[-1])))
            for node in (bound.start, bound.end)
        )
        by_theta, by_right, by_left = by_fields.unbind(2)
        by_wings = by_right * bound.by_right[..., None] + by_left * bound.by_left[..., None]
        return by_theta * bound.by_theta[..., None] * start + by_wings * end

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

    def _bound(self) -> "Bound":
        """How far the bounds are passed, at the node where they are passed furthest.

        Within a cell of log-maturity the wing slopes are largest at its end and theta is smallest at its start.
        """
        log_theta, log_right, log_left = self._curves(self.frame.over_all_maturities)
        steepest = torch.maximum(log_right, log_left)
        mean = torch.logaddexp(log_right, log_left) - math.log(2)
        butterfly, cell = ((mean + steepest)[..., 1:] - log_theta[..., :-1] - LARGEST_BUTTERFLY).max(-1)
        wing = steepest[..., -1] - LARGEST_WING
        of_butterfly = butterfly / 2 >= wing
        excess = torch.maximum(butterfly / 2, wing)
        with torch.no_grad():
            end = torch.where(of_butterfly, cell + 1, CAP_NODES)
            apart = (log_right - log_left).gather(-1, end[..., None])[..., 0]
            steeper = (apart > 0).to(apart.dtype)
            binds = (excess > 0).to(apart.dtype)
            by_right = torch.where(of_butterfly, (apart.sigmoid() + steeper) / 2, steeper)
            by_left = 1 - by_right  # either bound grows by as much as both wing slopes do
            by_theta = torch.where(of_butterfly, 0.5, 0.0).to(apart.dtype)
        return Bound(excess, cell, end, binds * by_theta, -binds * by_right, -binds * by_left)


def _at(coefficients: Tensor, basis: Tensor) -> Tensor:
    """(batch, component, knot) and (batch, point, knot) to (batch, component, point)."""
    return coefficients @ basis.transpose(-1, -2)


def _by_number(integrals: Float[Tensor, "batch point knot"]) -> Float[Tensor, "batch point number"]:
    """The hats' integrals by what each latent number of a component is of: a knot, thrice, or all maturities."""
    return torch.cat((torch.ones_like(integrals[..., :4]), integrals, integrals, integrals), -1)
