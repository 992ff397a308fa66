"""Kernel ridge regression of log-vol on the context: the smooth surface that the network corrects."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ivyspt import jets
from ivyspt.jets import VALUE, Jet

REACH = 3.0  # normalised units at which the trend levels off, so that vol is flat in the far wings
SMALLEST_NOISE = 1e-3  # of the kernel's variance; keeps the system well conditioned in float32


class KernelRegression(nn.Module):
    """Posterior mean of a Gaussian process whose hyper-parameters are learnt over all training surfaces.

    The covariance is an elliptical RBF kernel plus a linear trend in (r, r², s, r s), where r and s are the
    coordinates, levelled off at `REACH`; observations carry independent noise (Rasmussen & Williams 2006, section
    2.7). Everything
    is relative to the context's mean log-vol, so the level of volatility passes through unchanged. The hyper-parameters
    start where least squares on single-stock surfaces left them, rounded.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_lengths = nn.Parameter(torch.tensor([1.0, 1.3]).log())  # normalised units
        self.log_variance = nn.Parameter(torch.tensor(0.08**2).log())  # of log-vol
        self.log_noise = nn.Parameter(torch.tensor(0.015).log())  # over the kernel's variance
        self.log_trend = nn.Parameter(torch.tensor([0.1, 0.1, 0.05, 0.02]).square().log())  # of log-vol

    def forward(
        self,
        first: Jet,
        second: Jet,
        context: Float[Tensor, "batch context 2"],
        log_vol: Float[Tensor, "batch context"],
        present: Bool[Tensor, "batch context"],
    ) -> Float[Tensor, "component batch point"]:
        """Regress `log_vol`, given at the normalised `context` coordinates, on the points `first` and `second`."""
        with torch.autocast(context.device.type, enabled=False):  # a factorisation needs all of float32's digits
            return self._regress(first, second, context, log_vol, present)

    def _regress(self, first, second, context, log_vol, present):
        weight = present.to(log_vol.dtype)
        level = (log_vol * weight).sum(-1, keepdim=True) / weight.sum(-1, keepdim=True)
        x, y = context[None, ..., 0], context[None, ..., 1]
        features = _trend(x, y)[VALUE] * weight[..., None]
        coefficients, slopes = self._solve(x, y, features, (log_vol - level) * weight, weight)
        near = jets.contract("bpc,bc->bp", self._kernel(first, second, x, y), coefficients[None])
        far = jets.contract("bpf,bf->bp", _trend(first, second), slopes[None])
        return jets.add_constant(near + far, level)

    def _solve(self, x, y, features, response, weight):
        """Coefficients of the kernel at each context point and of the trend's features."""
        variance = self.log_variance.exp()
        trend = self.log_trend.exp()
        both = weight[:, :, None] * weight[:, None, :]
        covariance = self._kernel(x, y, x, y)[VALUE] * both
        covariance = covariance + (features * trend) @ features.transpose(-1, -2)
        noise = variance * (self.log_noise.exp() + SMALLEST_NOISE) * weight + (1 - weight)
        factor = torch.linalg.cholesky(covariance + torch.diag_embed(noise))
        coefficients = torch.cholesky_solve(response[..., None], factor)
        slopes = trend * (features.transpose(-1, -2) @ coefficients)[..., 0]
        return coefficients[..., 0], slopes

    def _kernel(self, first: Jet, second: Jet, x: Jet, y: Jet) -> Float[Tensor, "component batch point context"]:
        """Covariance of the RBF part between points and the context."""
        lengths = self.log_lengths.exp()
        dx = jets.add_constant(first[..., None], -x[VALUE][:, None, :]) / lengths[0]
        dy = jets.add_constant(second[..., None], -y[VALUE][:, None, :]) / lengths[1]
        exponent = -0.5 * (jets.multiply(dx, dx) + jets.multiply(dy, dy))
        return jets.exp(jets.add_constant(exponent, self.log_variance))


def _trend(first: Jet, second: Jet) -> Float[Tensor, "component batch point 4"]:
    r, s = _level_off(first), _level_off(second)
    return torch.stack((r, jets.multiply(r, r), s, jets.multiply(r, s)), -1)


def _level_off(jet: Jet) -> Jet:
    """x / √(1 + (x/REACH)²): the identity near zero, ±REACH far out."""
    x = jet[VALUE]
    root = (1 + (x / REACH).square()).rsqrt()
    return jets.compose(jet, x * root, root**3, -3 * x / REACH**2 * root**5)
