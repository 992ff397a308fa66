"""Jets: a value carried together with its derivatives in log-moneyness and time to maturity.

A jet is a tensor whose first axis holds f, ∂f/∂k, ∂²f/∂k² and ∂f/∂τ, in that order, or f alone when it has length 1. Every
operation below follows the chain and product rules exactly, so one forward pass gives what the arbitrage penalties
need, and one backward pass their gradient (Griewank & Walther 2008, chapter 13).
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
    return torch.stack(
        (
            a[VALUE] * b[VALUE],
            a[K] * b[VALUE] + a[VALUE] * b[K],
            a[KK] * b[VALUE] + 2 * a[K] * b[K] + a[VALUE] * b[KK],
            a[TAU] * b[VALUE] + a[VALUE] * b[TAU],
        )
    )


def contract(equation: str, a: Jet, b: Jet) -> Jet:
    """Product of two jets summed by an Einstein equation over their trailing axes (for instance "bqd,bcd->bqc")."""
    left, right = equation.split("->")[0].split(",")
    out = equation.split("->")[1]
    if is_value(a) or is_value(b):
        left_axes, right_axes = (left, f"z{right}") if is_value(a) else (f"z{left}", right)
        first, second = (a[VALUE], b) if is_value(a) else (a, b[VALUE])
        return torch.einsum(f"{left_axes},{right_axes}->z{out}", first, second)

    def product(i: int, j: int) -> Tensor:
        return torch.einsum(equation, a[i], b[j])

    return torch.stack(
        (
            product(VALUE, VALUE),
            product(K, VALUE) + product(VALUE, K),
            product(KK, VALUE) + 2 * product(K, K) + product(VALUE, KK),
            product(TAU, VALUE) + product(VALUE, TAU),
        )
    )


def compose(jet: Jet, value: Tensor, first: Tensor | None = None, second: Tensor | None = None) -> Jet:
    """f(jet), given f, f′ and f″ at the jet's value (Faà di Bruno to second order)."""
    if is_value(jet):
        return value[None]
    return torch.stack(
        (value, first * jet[K], second * jet[K].square() + first * jet[KK], first * jet[TAU]),
    )


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
    p = jet[VALUE].softmax(-1)
    if is_value(jet):
        return p[None]

    def centred(x: Tensor) -> Tensor:
        return x - (p * x).sum(-1, keepdim=True)

    slope = centred(jet[K])
    # p'' = p [(l' - E l')² + l'' - E((l' - E l')² + l'')], E under p
    curvature = centred(slope.square() + jet[KK])
    return torch.stack((p, p * slope, p * curvature, p * centred(jet[TAU])))


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
    return torch.cat(((jet[VALUE] + value)[None], jet[K:]))
