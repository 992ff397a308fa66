"""Jets: a value carried together with its derivatives in log-moneyness and time to maturity.

A jet is a tensor whose first axis holds f, ∂f/∂k, ∂²f/∂k² and ∂f/∂τ, in that order, or f alone when it has length 1.
Every operation below follows the chain and product rules exactly, so one forward pass gives what the arbitrage
penalties need, and one backward pass their gradient (Griewank & Walther 2008, chapter 13).
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

VALUE, K, KK, TAU = range(4)
Jet = Float[Tensor, "component *shape"]


def constant(value: Tensor, components: int) -> Jet:
    """A jet whose derivatives vanish."""
    jet = value.new_zeros((components, *value.shape))
    jet[VALUE] = value
    return jet


def is_value(jet: Jet) -> bool:
    """Whether the jet carries no derivatives."""
    return jet.shape[0] == 1


def multiply(a: Jet, b: Jet) -> Jet:
    """Product of two jets, by Leibniz's rule; a jet of length 1 counts as constant."""
    if is_value(a) or is_value(b):
        return a * b
    a0, a_k, a_kk, a_tau = a.unbind()
    b0, b_k, b_kk, b_tau = b.unbind()
    return torch.stack(
        (a0 * b0, a_k * b0 + a0 * b_k, a_kk * b0 + 2 * a_k * b_k + a0 * b_kk, a_tau * b0 + a0 * b_tau),
    )


def contract(equation: str, a: Jet, b: Jet) -> Jet:
    """Product of two jets summed by an Einstein equation over their trailing axes (for instance "bqd,bcd->bqc")."""
    left, right = equation.split("->", maxsplit=1)[0].split(",")
    out = equation.split("->")[1]
    if is_value(a) or is_value(b):
        left_axes, right_axes = (left, f"z{right}") if is_value(a) else (f"z{left}", right)
        first, second = (a[VALUE], b) if is_value(a) else (a, b[VALUE])
        return torch.einsum(f"{left_axes},{right_axes}->z{out}", first, second)

    def product(x: Tensor, y: Tensor) -> Tensor:
        return torch.einsum(equation, x, y)

    a0, a_k, a_kk, a_tau = a.unbind()
    b0, b_k, b_kk, b_tau = b.unbind()
    return torch.stack(
        (
            product(a0, b0),
            product(a_k, b0) + product(a0, b_k),
            product(a_kk, b0) + 2 * product(a_k, b_k) + product(a0, b_kk),
            product(a_tau, b0) + product(a0, b_tau),
        )
    )


def compose(jet: Jet, value: Tensor, first: Tensor | None = None, second: Tensor | None = None) -> Jet:
    """f(jet), given f, f′ and f″ at the jet's value (Faà di Bruno to second order)."""
    if is_value(jet):
        return value[None]
    _, by_k, by_kk, by_tau = jet.unbind()
    return torch.stack((value, first * by_k, second * by_k.square() + first * by_kk, first * by_tau))


def exp(jet: Jet) -> Jet:
    """Exponential."""
    value = jet[VALUE].exp()
    return compose(jet, value, value, value)


def log(jet: Jet) -> Jet:
    """Natural logarithm; the value must be positive."""
    value = jet[VALUE]
    return compose(jet, value.log(), value.reciprocal(), -value.reciprocal().square())


def sine(jet: Jet) -> Jet:
    """Sine."""
    value, slope = jet[VALUE].sin(), jet[VALUE].cos()
    return compose(jet, value, slope, -value)


def cosine(jet: Jet) -> Jet:
    """Cosine."""
    value, slope = jet[VALUE].cos(), -jet[VALUE].sin()
    return compose(jet, value, slope, -value)


def sigmoid(jet: Jet) -> Jet:
    """Logistic function."""
    value = jet[VALUE].sigmoid()
    slope = value * (1 - value)
    return compose(jet, value, slope, slope * (1 - 2 * value))


def softplus(jet: Jet) -> Jet:
    """log(1 + exp(x)), positive."""
    slope = jet[VALUE].sigmoid()
    return compose(jet, torch.nn.functional.softplus(jet[VALUE]), slope, slope * (1 - slope))


def gelu(jet: Jet) -> Jet:
    """x Φ(x), with Φ the standard normal distribution (Hendrycks & Gimpel 2016)."""
    x = jet[VALUE]
    if is_value(jet):
        return torch.nn.functional.gelu(x)[None]
    distribution = 0.5 * (1 + torch.erf(x / math.sqrt(2)))
    density = torch.exp(-0.5 * x.square()) / math.sqrt(2 * math.pi)
    return compose(jet, x * distribution, distribution + x * density, density * (2 - x.square()))


def softmax(jet: Jet) -> Jet:
    """Softmax over the last axis."""
    if is_value(jet):
        return jet.softmax(-1)
    logit, by_k, by_kk, by_tau = jet.unbind()
    p = logit.softmax(-1)

    def centred(x: Tensor) -> Tensor:
        return x - (p * x).sum(-1, keepdim=True)

    slope = centred(by_k)
    # p'' = p [(l' - E l')² + l'' - E((l' - E l')² + l'')], E under p
    curvature = centred(slope.square() + by_kk)
    return torch.stack((p, p * slope, p * curvature, p * centred(by_tau)))


def layer_norm(jet: Jet, weight: Tensor, bias: Tensor, epsilon: float = 1e-5) -> Jet:
    """Layer normalisation over the last axis (Ba et al. 2016), its statistics differentiated too."""
    if is_value(jet):
        return torch.nn.functional.layer_norm(jet, weight.shape, weight, bias, epsilon)
    deviation = jet - jet.mean(-1, keepdim=True)
    variance = multiply(deviation, deviation).mean(-1, keepdim=True)
    v = variance[VALUE] + epsilon
    inverse = v.rsqrt()
    scale = compose(variance, inverse, -0.5 * inverse / v, 0.75 * inverse / v.square())
    return add_constant(multiply(deviation, scale) * weight, bias)


def add_constant(jet: Jet, value: Tensor) -> Jet:
    """Sum of a jet and a constant, which moves the value alone."""
    if is_value(jet):
        return jet + value
    moved = (jet[VALUE] + value)[None]
    return torch.cat((moved, jet[K:].expand(-1, *moved.shape[1:])))
