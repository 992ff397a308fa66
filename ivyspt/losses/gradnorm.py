"""GradNorm: weights of the losses that balance their training rates (Chen et al. 2018; paper, GradNorm Method)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ivyspt.batches.share import WHOLE, Share
from ivyspt.config import Losses


class GradNorm(nn.Module):
    """Weights λ of the losses, adjusted towards equal training rates.

    The loss Σ|λ_i n_i - Ḡ r_i^α|, n_i the norm of ∂L_i/∂W, is differentiated with respect to λ alone; the target
    Ḡ r^α is a constant. Adam moves log λ, so that weights stay positive and cross decades as easily as the losses do;
    they are renormalised to sum to the number of losses. L_i(0) is floored, so that a loss that starts at zero cannot
    divide by it. A phase of training starts with a new one.
    """

    def __init__(self, settings: Losses):
        super().__init__()
        self.settings = settings
        self.log_weights = nn.Parameter(torch.tensor(settings.weights).log(), requires_grad=False)
        self.register_buffer("initial", torch.full((len(settings.weights),), torch.nan))
        self.optimiser = torch.optim.Adam([self.log_weights], settings.gradnorm_learning_rate)

    @property
    def weights(self) -> Float[Tensor, " loss"]:
        """λ, summing to the number of losses."""
        return len(self.log_weights) * self.log_weights.softmax(0)

    def step(
        self, losses: Float[Tensor, " loss"], weight: nn.Parameter, share: Share = WHOLE
    ) -> dict[str, Float[Tensor, " loss"]]:
        """Move the weights by one step of Adam, from the losses' gradients at `weight`.

        Returns the gradient norms of the weighted losses and their targets. With `gradnorm_leak`, as published, the
        gradient of L_grad is also added to that of every parameter that it depends on. The norms are those of the
        gradients summed over the shares of all processes.
        """
        leak = self.settings.gradnorm_leak
        if self.initial.isnan().any():
            self.initial.copy_(losses.detach().clamp_min(self.settings.gradnorm_floor))
        slopes = [
            torch.autograd.grad(loss, weight, retain_graph=True, create_graph=leak, materialize_grads=True)[0]
            for loss in losses
        ]
        norms = torch.stack([share.total(slope).norm() for slope in slopes])
        with torch.no_grad():
            weighted = self.weights * norms
            ratio = losses / self.initial
            rate = ratio / ratio.mean().clamp_min(torch.finfo(ratio.dtype).tiny)
            target = weighted.mean() * rate**self.settings.gradnorm_alpha
            direction = (weighted - target).sign() * weighted
        if leak:
            (self.weights * norms - target).abs().sum().backward(retain_graph=True)
        with torch.no_grad():
            self.log_weights.grad = direction
            self.optimiser.step()
        return {"norms": weighted, "targets": target}
