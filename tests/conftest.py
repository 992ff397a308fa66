"""Small surfaces and models that many tests share."""

import numpy as np
import pytest
import torch
from hypothesis import settings

from ivyspt.batches.batch import Batch, collate
from ivyspt.completion import Context, Targets
from ivyspt.config import Model
from ivyspt.model.ivyspt import IvySPT

torch.set_num_threads(1)
# a busy machine is no failure; the same examples every time, so that a red run can be had again
settings.register_profile("ivyspt", deadline=None, derandomize=True)
settings.load_profile("ivyspt")


def make_pair(
    generator: np.random.Generator, contexts: int, targets: int, surface_id: str = "A"
) -> tuple[Context, Targets]:
    """A smooth made-up smile, quoted at random places of three maturities."""

    def places(count: int) -> tuple[np.ndarray, np.ndarray]:
        tau = generator.choice([30 / 365, 60 / 365, 91 / 365], count)
        return 0.3 * np.sqrt(tau) * generator.normal(size=count), tau

    def smile(k: np.ndarray, tau: np.ndarray) -> np.ndarray:
        return 0.3 - 0.1 * k + 0.4 * k**2 + 0.02 * tau

    (k, tau), (asked_k, asked_tau) = places(contexts), places(targets)
    market = np.array([0.01, 0.2, 0.05])
    return (
        Context(surface_id, "A", k, tau, smile(k, tau), market),
        Targets(asked_k, asked_tau, smile(asked_k, asked_tau)),
    )


def make_batch(contexts: tuple[int, ...] = (9, 12, 7), targets: int = 5, seed: int = 0) -> Batch:
    """A float64 batch of surfaces with contexts of different lengths."""
    generator = np.random.default_rng(seed)
    pairs = [make_pair(generator, count, targets, f"surface {count}") for count in contexts]
    return collate(pairs).to(torch.device("cpu"), torch.float64)


def make_model(seed: int = 0, perturbation: float = 0.1, **settings) -> IvySPT:
    """A small float64 model in evaluation mode, away from its initialisation so that every path carries weight."""
    defaults = {"dimension": 16, "blocks": 2, "heads": 2, "feed_forward": 2, "gate_bias": 0.0}
    model = IvySPT(Model(**(defaults | settings)), torch.Generator().manual_seed(seed)).double()
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(perturbation * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
        model.train()
        model(make_batch())  # moves the running statistics
    return model.eval()


@pytest.fixture
def batch() -> Batch:
    return make_batch()
