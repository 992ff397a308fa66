"""Steps of training on two threads, against the same step without derivatives, the named reference of each ratio."""

import time

import numpy as np
import pytest
import torch

from ivyspt.batches.batch import Batch, collate
from ivyspt.config import Losses, Model
from ivyspt.losses.objective import objective
from ivyspt.model.ivyspt import IvySPT
from tests.conftest import make_pair

BATCH, CONTEXT, TARGETS = 32, 100, 64
SIZE = {"dimension": 64, "blocks": 4}
# of the row `as_published` of config/config.yaml
PUBLISHED_MODEL = {
    "quantity": "total_variance",
    "positive": False,
    "coordinates": "raw",
    "level": "erased",
    "embedding_norm": "layer",
    "bandwidth_floor": 0.0,
    "market_tokens": "single",
    "target_attention": "all",
    "normalisation": "joint",
    "normalisation_momentum": 0.0,
}
PUBLISHED_LOSSES = {"target": "total_variance", "butterfly_formula": "as_published", "collocation_points": 0}


@pytest.fixture(autouse=True)
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def made_batch(targets: int = TARGETS) -> Batch:
    """Single-precision surfaces of `CONTEXT` points each."""
    generator = np.random.default_rng(0)
    pairs = [make_pair(generator, CONTEXT, targets, f"surface {number}") for number in range(BATCH)]
    return collate(pairs).to(torch.device("cpu"), torch.float32)


def stepper(batch: Batch, model: dict, losses: dict, derivatives: bool):
    """A function that takes one step: losses, gradients, update."""
    network = IvySPT(Model(**SIZE, **model), torch.Generator().manual_seed(0)).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-4)
    generator, settings = torch.Generator().manual_seed(0), Losses(**losses)

    def step() -> float:
        optimiser.zero_grad(set_to_none=True)
        total = objective(network, batch, settings, generator, derivatives).losses.sum()
        total.backward()
        optimiser.step()
        return total.item()

    return step


@pytest.mark.benchmark(group="training step: 32 surfaces, 100 points shown, 64 targets, d = 64, 4 blocks")
@pytest.mark.parametrize("kind", ["squared error alone", "three losses, 64 collocation points"])
def test_step(benchmark, kind):
    """The paper's blocks for targets too: the second is to take four times the first at most."""
    step = stepper(made_batch(), {}, {"collocation_points": TARGETS}, kind.startswith("three"))
    assert np.isfinite(benchmark.pedantic(step, rounds=7, warmup_rounds=2))


def test_published_step_per_target(benchmark, capsys):
    """One target a surface, as published, against ours: seconds a target."""
    published = stepper(made_batch(targets=1), PUBLISHED_MODEL, PUBLISHED_LOSSES, derivatives=True)
    ours = stepper(made_batch(), {}, {"collocation_points": TARGETS}, derivatives=True)
    assert np.isfinite(benchmark.pedantic(published, rounds=3, warmup_rounds=1))
    times = []
    for _ in range(5):
        start = time.perf_counter()
        ours()
        times.append(time.perf_counter() - start)
    if benchmark.stats:
        ratio = benchmark.stats["median"] / BATCH / (np.median(times) / (BATCH * TARGETS))
        benchmark.extra_info["published_over_ours_per_target"] = ratio
        with capsys.disabled():
            print(f"\npublished step over ours, per target: {ratio:.0f}")


@pytest.mark.benchmark(group="full training step by targets a surface")
@pytest.mark.parametrize("targets", [32, 64, 128])
def test_time_is_linear_in_targets(benchmark, targets):
    """As many collocation points as targets."""
    step = stepper(made_batch(targets), {}, {"collocation_points": targets}, derivatives=True)
    assert np.isfinite(benchmark.pedantic(step, rounds=3, warmup_rounds=1))
