"""Continuous kernel embedding: implied vols smoothed over the context by elliptical RBF kernels of fixed bandwidths."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ivyspt import jets
from ivyspt.jets import KK, TAU, VALUE, Jet, K


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
        scale = self.log_scale.exp()
        rate = scale[:, None] / (self.bandwidths.square() * scale.sum())  # (coordinate, channel)
        dx = first[VALUE][:, :, None] - context[:, None, :, 0]
        dy = second[VALUE][:, :, None] - context[:, None, :, 1]
        exponent = -0.5 * (dx.square()[..., None] * rate[0] + dy.square()[..., None] * rate[1])
        weight = exponent.masked_fill(~present[:, None, :, None], -torch.inf).softmax(2)
        mean = torch.einsum("bpcd,bc->bpd", weight, values)
        if jets.is_value(first):
            return mean[None]
        # derivatives of the softmax's exponent are linear in the distances, so these are weighted covariances
        excess = weight * (values[:, None, :, None] - mean[:, :, None, :])
        x = dx[..., None] - torch.einsum("bpcd,bpc->bpd", weight, dx)[:, :, None, :]
        by_x = -rate[0] * (excess * x).sum(2)
        by_xx = rate[0].square() * (excess * x.square()).sum(2)
        by_y = -rate[1] * torch.einsum("bpcd,bpc->bpd", excess, dy)
        return torch.stack(
            (
                mean,
                by_x * first[K][..., None],
                by_xx * first[K].square()[..., None] + by_x * first[KK][..., None],
                by_x * first[TAU][..., None] + by_y * second[TAU][..., None],
            )
        )
