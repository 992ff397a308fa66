"""A dense network pooled over surfaces, told the market features and the level of the visible vols."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from ivyspt.baselines.coordinates import Kind
from ivyspt.completion import Completion, Context, Targets

MIN_SHOWN = 5  # visible points, at the least, whose mean and spread the network sees in training
CHUNK = 16384  # points answered at once; bounds memory


class DenseNet:
    """Multilayer perceptron for sigma(k, tau; market, mean and std of the visible vols) = mean * exp(network).

    `plain` inputs are k and tau; `standardised` ones k / (mean sqrt(tau)) and log(tau). In training the mean and std
    come from a random part of each surface, drawn afresh every epoch, so that sparse contexts are no surprise. AdamW
    on the squared error of vol, one cosine cycle. Derivatives by automatic differentiation in float64.
    """

    def __init__(
        self,
        *,
        width: int,
        depth: int,
        learning_rate: float,
        weight_decay: float,
        epochs: int,
        batch_points: int,
        coordinates: Kind,
    ) -> None:
        self.width, self.depth, self.epochs, self.batch_points = width, depth, epochs, batch_points
        self.learning_rate, self.weight_decay, self.coordinates = learning_rate, weight_decay, coordinates
        self.network: nn.Sequential | None = None

    def fit(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        """Train on the targets of the training surfaces."""
        rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
        sizes = [len(targets.log_moneyness) for _, targets in training]
        point = np.concatenate([np.column_stack([t.log_moneyness, t.time_to_maturity]) for _, t in training])
        market = np.repeat([c.market for c, _ in training], sizes, axis=0)
        vol = torch.tensor(np.concatenate([t.implied_vol for _, t in training]), dtype=torch.float32)
        inputs = self._inputs(*_tensors(point, market, _drawn_levels(training, sizes, rng)))
        self._set_scale(inputs)
        self.network = _network(inputs.shape[1], self.width, self.depth, generator)
        optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay, fused=True
        )
        steps = self.epochs * -(-len(vol) // self.batch_points)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, self.learning_rate, total_steps=steps)
        for _ in range(self.epochs):
            level = _drawn_levels(training, sizes, rng)
            inputs = self._scaled(self._inputs(*_tensors(point, market, level))).float()
            mean = torch.tensor(level[:, 0], dtype=torch.float32)
            for rows in torch.randperm(len(vol), generator=generator).split(self.batch_points):
                loss = (mean[rows] * self.network(inputs[rows]).squeeze(1).exp() - vol[rows]).square().mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
        self.network = self.network.double().requires_grad_(False)

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """Evaluate the network where asked."""
        return self.complete_many([context], [(log_moneyness, time_to_maturity)])[0]

    def complete_many(
        self, contexts: Sequence[Context], asked: Sequence[tuple[np.ndarray, np.ndarray]], derivatives: bool = True
    ) -> list[Completion]:
        """Evaluate the network for many surfaces at once."""
        sizes = [len(k) for k, _ in asked]
        point = np.concatenate([np.column_stack(each) for each in asked])
        market = np.repeat([c.market for c in contexts], sizes, axis=0)
        level = np.repeat([_level(c.implied_vol) for c in contexts], sizes, axis=0)
        rows = [
            self._answer(point[i : i + CHUNK], market[i : i + CHUNK], level[i : i + CHUNK], derivatives)
            for i in range(0, len(point), CHUNK)
        ]
        columns = np.concatenate(rows) if rows else np.empty((0, 4 if derivatives else 1))
        return [Completion(*part.T) for part in np.split(columns, np.cumsum(sizes)[:-1])]

    def _answer(self, point: np.ndarray, market: np.ndarray, level: np.ndarray, derivatives: bool) -> np.ndarray:
        """Columns vol or vol, w_k, w_kk, w_tau."""
        k, tau, market, level = _tensors(point, market, level)
        k.requires_grad_(derivatives)
        tau.requires_grad_(derivatives)
        vol = level[:, 0] * self.network(self._scaled(self._inputs(k, tau, market, level))).squeeze(1).exp()
        if not derivatives:
            return vol[:, None].numpy()
        w = vol.square() * tau
        w_k, w_tau = torch.autograd.grad(w.sum(), (k, tau), create_graph=True)
        (w_kk,) = torch.autograd.grad(w_k.sum(), k)
        return torch.stack([vol, w_k, w_kk, w_tau], dim=1).detach().numpy()

    def _inputs(self, k: Tensor, tau: Tensor, market: Tensor, level: Tensor) -> Tensor:
        if self.coordinates == "standardised":
            k, tau = k / (level[:, 0] * tau.sqrt()), tau.log()
        return torch.cat([k[:, None], tau[:, None], market, level], dim=1)

    def _set_scale(self, inputs: Tensor) -> None:
        known = torch.isfinite(inputs)
        count = known.sum(dim=0).clamp(min=1)
        self.centre = torch.where(known, inputs, 0.0).sum(dim=0) / count
        spread = (torch.where(known, inputs - self.centre, 0.0).square().sum(dim=0) / count).sqrt()
        self.spread = torch.where(spread > 0, spread, 1.0)

    def _scaled(self, inputs: Tensor) -> Tensor:
        """Inputs of zero mean and unit variance in training; an unknown market feature stands at its mean."""
        return torch.nan_to_num((inputs - self.centre) / self.spread, nan=0.0)


def _network(inputs: int, width: int, depth: int, generator: torch.Generator) -> nn.Sequential:
    """SiLU network with He's initialisation; the last layer starts at zero, so vol starts at the visible mean."""
    widths = [inputs, *[width] * depth, 1]
    layers: list[nn.Module] = []
    for i, (a, b) in enumerate(pairwise(widths)):
        layer = nn.Linear(a, b)
        last = i == depth
        nn.init.zeros_(layer.bias)
        if last:
            nn.init.zeros_(layer.weight)
        else:
            nn.init.kaiming_normal_(layer.weight, generator=generator)
        layers += [layer] if last else [layer, nn.SiLU()]
    return nn.Sequential(*layers)


def _tensors(point: np.ndarray, market: np.ndarray, level: np.ndarray) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    k, tau = torch.tensor(point, dtype=torch.float64).unbind(dim=1)
    return k.clone(), tau.clone(), torch.tensor(market, dtype=torch.float64), torch.tensor(level, dtype=torch.float64)


def _level(implied_vol: np.ndarray) -> tuple[float, float]:
    return float(implied_vol.mean()), float(implied_vol.std())


def _drawn_levels(
    training: Sequence[tuple[Context, Targets]], sizes: list[int], rng: np.random.Generator
) -> np.ndarray:
    """Mean and std of a random part of each context, log-uniform in size; repeated for each target."""
    levels = []
    for context, _ in training:
        n = context.implied_vol.size
        shown = round(np.exp(rng.uniform(np.log(min(MIN_SHOWN, n)), np.log(n))))
        levels.append(_level(rng.choice(context.implied_vol, shown, replace=False)))
    return np.repeat(levels, sizes, axis=0)
