"""Compiled layers against PyTorch's, and the functions that they are made of."""

from pathlib import Path

import numpy as np
import torch
from scipy.special import erf, erfcx
from torch.nn import functional

from ivyspt.inference import compiled, layers
from ivyspt.inference.layers import exp_below, gelu
from ivyspt.mixture import typical

TOKENS, CONTEXT, CHANNELS, HEADS = 7, 5, 12, 3
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_layer_norm():
    x, weight, bias = 3 + 2 * normal(0, TOKENS, CHANNELS), normal(1, CHANNELS), normal(2, CHANNELS)
    expected = functional.layer_norm(torch.tensor(x), (CHANNELS,), torch.tensor(weight), torch.tensor(bias))
    np.testing.assert_allclose(layers.norm(x, weight, bias), expected.numpy(), **CLOSE)


def test_attention_of_heads_that_are_biased_by_place():
    query, keys, values = normal(0, TOKENS, CHANNELS), normal(1, CONTEXT, CHANNELS), normal(2, CONTEXT, CHANNELS)
    bias = 3 * normal(3, HEADS, TOKENS, CONTEXT)
    found = np.empty((TOKENS, 2 * CHANNELS), np.float32)
    layers.attend(found[:, CHANNELS:], query, keys, values, bias)
    heads = (torch.tensor(each).reshape(len(each), HEADS, -1).transpose(0, 1) for each in (query, keys, values))
    expected = functional.scaled_dot_product_attention(*heads, attn_mask=torch.tensor(bias))
    np.testing.assert_allclose(found[:, CHANNELS:], expected.transpose(0, 1).reshape(TOKENS, -1).numpy(), **CLOSE)


def test_a_gate_goes_from_one_to_the_other():
    gate, own, foreign = (20 * normal(0, 3, CHANNELS), normal(1, 3, CHANNELS), normal(2, 3, CHANNELS))
    share = torch.tensor(gate).sigmoid().numpy()
    np.testing.assert_allclose(layers.gated(gate, own, foreign), share * own + (1 - share) * foreign, **CLOSE)


def test_values_are_smoothed_by_a_kernel_of_each_bandwidth():
    at, context, value = normal(0, TOKENS, 2), normal(1, CONTEXT, 2), normal(2, CONTEXT)
    scale, rate = np.array([0.5, 1.5], np.float32), np.array([0.1, 2.0, 30.0], np.float32)
    gaps = layers.apart(at, context)
    apart = context[None] - at[:, None]
    expected_gaps = np.concatenate((apart, np.abs(apart), np.square(apart).sum(-1, keepdims=True)), -1)
    np.testing.assert_allclose(gaps, expected_gaps.transpose(2, 0, 1), **CLOSE)
    kernel = np.exp(-rate[:, None, None] * (np.square(apart) @ scale))
    expected = (kernel @ value / kernel.sum(-1)).T
    np.testing.assert_allclose(layers.smoothed(gaps, value, scale, rate), expected, rtol=1e-5, atol=1e-5)


def test_the_activation_is_exact_to_single_precision():
    x = np.concatenate((np.linspace(-12, 12, 20_001), [0.0, 1e-30, -1e-30, 80.0, -80.0])).astype(np.float32)
    exact = x.astype(float) * (1 + erf(x.astype(float) / np.sqrt(2))) / 2
    found = x[None].copy()
    gelu(found)
    np.testing.assert_allclose(found[0], exact, rtol=3e-7, atol=2e-6)


def test_the_exponential_is_exact_to_single_precision():
    x = np.concatenate((-np.linspace(0, 87, 20_001), [-1e-30, -100.0, -1e30, -np.inf])).astype(np.float32)
    found = np.array([exp_below(each) for each in x])
    np.testing.assert_allclose(found, np.exp(x.astype(float)), rtol=2e-7, atol=2e-38)


def test_erfcx_is_scipys():
    x = np.linspace(-5, 30, 101)
    np.testing.assert_array_equal([compiled.erfcx(each) for each in x], erfcx(x))


def test_what_cannot_be_stored_is_compiled_all_the_same():
    space = {}
    exec("def twice(x):\n    return 2 * x", space)  # of no file, beside which it could be stored
    assert compiled.compiled(space["twice"])(1.5) == 3


def test_code_is_stored_apart_for_each_text_that_it_may_come_from(tmp_path):
    first, second = tmp_path / "first.py", tmp_path / "second.py"
    first.write_text("A = 1"), second.write_text("B = 2")
    before = compiled.digest([first, second])
    assert compiled.digest([second, first]) == before
    second.write_text("B = 3")
    assert compiled.digest([first, second]) != before
    sources = [*Path(compiled.__file__).parent.glob("*.py"), Path(typical.__file__)]
    assert compiled.digest(sources) in Path(gelu.stats.cache_path).parts
