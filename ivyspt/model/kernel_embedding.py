"""Continuous kernel embedding: implied vols smoothed over the context by elliptical RBF kernels of fixed bandwidths."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ivyspt import jets
from ivyspt.jets import KK, TAU, VALUE, Jet, K

BEYOND_REACH = 1e6  # squared distance of padding, in normalised units: its weight vanishes at every bandwidth


def bandwidths(channels: int, floor: float = 0.0) -> Float[Tensor, " channel"]:
    """h_i = Φ⁻¹((q_i + 1)/2), q_i evenly spaced from 1/(d+1) to d/(d+1) (paper, Fixed Bandwidth Calculation).

    A `floor` keeps each at sqrt(h_i² + floor²): the narrowest channels are nearly nearest-neighbour, and their second
    derivatives spike between quotes.
    """
    q = torch.arange(1, channels + 1, dtype=torch.float64) / (channels + 1)
    h = math.sqrt(2) * torch.erfinv(q)  # Φ⁻¹((q + 1)/2)
    return (h.square() + floor**2).sqrt().to(torch.get_default_dtype())


class KernelEmbedding(nn.Module):
    """Kernel-weighted mean of the context's implied vols, one channel a bandwidth.

    The weights are exp(-Δᵀ A Δ / (2 h² tr A)), A = diag(exp s), normalised over the context by a softmax in log space:
    the plain ratio is 0/0 in float32 at the narrow bandwidths.
    """

    def __init__(self, channels: int, floor: float):
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(2))
        self.register_buffer("bandwidths", bandwidths(channels, floor), persistent=False)

    def forward(
        self,
        first: Jet,
        second: Jet,
        context: Float[Tensor, "batch context 2"],
        values: Float[Tensor, "batch context"],
        present: Bool[Tensor, "batch context"],
    ) -> Float[Tensor, "component batch point channel"]:
        """Smooth `values`, given at `context`, at the points whose coordinates are the jets `first` and `second`.

        `first` may depend on k (with a vanishing second derivative) and τ, `second` on τ alone; `present` is False for
        padding.
        """
        dx = first[VALUE][:, :, None] - context[:, None, :, 0]
        dy = second[VALUE][:, :, None] - context[:, None, :, 1]
        squares = torch.stack((dx.square(), dy.square()), 2)
        squares = squares.masked_fill(~present[:, None, None, :], BEYOND_REACH)
        scale = self.log_scale.exp()
        rate = scale / (self.bandwidths.square() * scale.sum())[:, None]  # (channel, coordinate)
        weight = (-0.5 * rate @ squares).softmax(-1)  # (batch, point, channel, context)
        values = values[:, None, :].expand_as(dx)
        if jets.is_value(first):
            return (weight @ values[..., None])[..., 0][None]
        # about the nearest context point, where the narrow channels put their weight, no moment cancels in float32
        nearest = squares.detach().sum(2).argmin(-1, keepdim=True)
        origin = values.gather(-1, nearest)
        dx, dy, values = (q - q.gather(-1, nearest) for q in (dx, dy, values))
        moments = weight @ torch.stack((values, dx, dx * values, dx * dx, dx * dx * values, dy, dy * values), -1)
        f, x, xf, xx, xxf, y, yf = moments.unbind(-1)
        # the softmax's exponent has derivatives linear in the distances, so these are weighted central moments
        rate_x, rate_y = rate.unbind(-1)
        by_x = -rate_x * (xf - x * f)
        by_xx = rate_x.square() * (xxf - xx * f - 2 * x * (xf - x * f))
        by_y = -rate_y * (yf - y * f)
        return torch.stack(
            (
                f + origin,
                by_x * first[K][..., None],
                by_xx * first[K].square()[..., None] + by_x * first[KK][..., None],
                by_x * first[TAU][..., None] + by_y * second[TAU][..., None],
            )
        )
