"""Batch normalisation of points and market features (paper, Custom Batch Normalization)."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ivyspt.batches.share import WHOLE


class MaskedBatchNorm(nn.Module):
    """Zero mean and unit variance per feature over the entries that a mask admits.

    Training uses the batch's own statistics and moves the running ones by `momentum`; evaluation uses the running
    ones. The statistics are constants under differentiation.
    """

    def __init__(self, features: int, momentum: float, epsilon: float = 1e-5):
        super().__init__()
        self.momentum = momentum
        self.epsilon = epsilon
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))
        self.register_buffer("batches", torch.zeros(()))
        self.share = WHOLE  # of the batch; with several processes the statistics are those of all shares together

    def statistics(
        self, values: Float[Tensor, "*axes feature"], admitted: Bool[Tensor, "*axes feature"]
    ) -> tuple[Float[Tensor, " feature"], Float[Tensor, " feature"]]:
        """Mean and standard deviation to normalise by; in training mode the running statistics move."""
        if not self.training:
            return self.running_mean, (self.running_var + self.epsilon).sqrt()
        axes = tuple(range(values.ndim - 1))
        weight = admitted.to(values.dtype)
        count = self.share.total(weight.sum(axes)).clamp_min(1)
        filled = torch.where(admitted, values, 0.0)
        mean = self.share.total(filled.sum(axes)) / count
        variance = self.share.total(((filled - mean).square() * weight).sum(axes)) / count
        with torch.no_grad():
            # the first batch sets the running statistics, so that short trainings are not biased towards (0, 1)
            momentum = self.momentum if self.batches > 0 or self.momentum == 0 else 1.0
            unbiased = variance * count / (count - 1).clamp_min(1)
            self.running_mean.lerp_(mean.detach(), momentum)
            self.running_var.lerp_(unbiased.detach(), momentum)
            self.batches += 1
        return mean.detach(), (variance.detach() + self.epsilon).sqrt()
