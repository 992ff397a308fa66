"""Steps of the flagship's training, half on simulated and half on real surfaces, that resume where they stopped."""

import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ivyspt.columns import DataError
from ivyspt.corpus.corpus import draw
from ivyspt.corpus.families import Pool
from ivyspt.corpus_config import Contexts, Corpus
from ivyspt.flagship_config import SIMULATED, FlagshipTraining
from ivyspt.mixture.network import FlagshipNetwork
from ivyspt.mixture.quotes import MARKET, Quotes
from ivyspt.pretraining.objective import losses
from ivyspt.pretraining.surfaces import TRAINING, Asked, RealSurfaces
from ivyspt.tensor_file import read_tensors, write_tensors
from ivyspt.tensors import arrays_of, tensors_of

# budget of the fit while training
FIT = {"fit_steps": (4, 4), "fit_steps_of_many": (4, 4), "fit_damping": 0.1, "fit_settled": 0.0}


@dataclass(frozen=True)
class RealSource:
    """Surfaces of one kind, and how often they are visited against those of the others."""

    surfaces: RealSurfaces
    share: float = 1.0


@dataclass(frozen=True)
class Sources:
    """What batches are drawn from; `real` is empty where a training is on simulated surfaces alone."""

    corpus: Corpus
    pools: Mapping[str, Pool]
    real: Sequence[RealSource]

    @cached_property
    def markets(self) -> Float[Tensor, "day 3"]:
        """Market features of the days of those sources that show them."""
        rows = torch.cat([torch.empty(0, len(MARKET)), *(source.surfaces.market for source in self.real)])
        return rows[~rows.isnan().all(1)].unique(dim=0)

    def with_a_market(self, quotes: Quotes, generator: Generator) -> Quotes:
        """Show surfaces without market features of their own those of a day at random, as often as others theirs.

        Or else whether they are known tells what kind of surface it is.
        """
        if not len(self.markets):
            return quotes
        count = len(quotes.market)
        day = torch.randint(len(self.markets), (count,), generator=generator)
        shown = torch.rand((count, 1), generator=generator) < TRAINING.market
        return replace(quotes, market=torch.where(shown, self.markets[day], torch.nan))


def told_simulated(quotes: Quotes, share: float, generator: Generator) -> Quotes:
    """Tell that share of simulated surfaces what they are.

    Or else quotes of a kind that is not told pass for simulated ones.
    """
    return replace(quotes, kind=SIMULATED * (torch.rand(quotes.kind.shape, generator=generator) < share))


def learning_rate(step: int, training: FlagshipTraining) -> float:
    """Linear warm-up, then a plateau, then a cosine over the last part of the steps."""
    warm = min(1.0, (step + 1) / max(1, training.warmup_steps))
    decay_from = training.steps * (1 - training.decay_share)
    share = max(0.0, (step - decay_from) / max(1.0, training.steps - decay_from))
    low, high = training.final_learning_rate, training.learning_rate
    return warm * (low + (high - low) * 0.5 * (1 + math.cos(math.pi * share)))


def draw_batch(
    sources: Sources, training: FlagshipTraining, generator: Generator, simulated_kind: bool = False
) -> tuple[Quotes, Asked]:
    """A batch of one context size; sizes and how many surfaces each allows are the configuration's."""
    number = int(torch.randint(len(training.context_sizes), (1,), generator=generator))
    low, high = training.context_sizes[number]
    surfaces = max(4, min(training.batch_size, training.batch_points // high))
    contexts = sources.corpus.contexts.model_copy(update={"quotes": (low, high)})
    real = round(training.real_share * surfaces) if sources.real else 0
    parts, blind = [], []
    if real < surfaces:
        quotes, asked = _simulated(sources, surfaces - real, high, training.targets, contexts, generator)
        if simulated_kind:
            quotes = told_simulated(quotes, training.kind_shown, generator)
        parts.append((quotes, asked))
        blind.append(True)
    for source, visits in _visits(sources.real, real, generator):
        parts.append(source.surfaces.draw(generator, visits, high, training.targets, contexts))
        blind.append(not source.surfaces.shows_market)
    if training.any_market:
        parts = [
            (sources.with_a_market(quotes, generator) if alone else quotes, asked)
            for (quotes, asked), alone in zip(parts, blind, strict=True)
        ]
    return _joined([part[0] for part in parts]), _joined([part[1] for part in parts])


def train(
    network: FlagshipNetwork, sources: Sources, training: FlagshipTraining, seed: int, checkpoint: Path | None = None
) -> dict:
    """Train in place; the averaged weights are left in `network`.

    Returns the history, a row for every `report_every` steps. Without a checkpoint an interrupted training is lost.
    Whatever steps of the fit the network answers by, it is trained by few of them.
    """
    answers_by = network.settings
    network.settings = answers_by.model_copy(update=FIT)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay, betas=(0.9, 0.98)
    )
    averaged = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(training.averaging))
    progress = {"step": 0, "history": []}
    if checkpoint is not None and checkpoint.exists():
        progress = load_progress(checkpoint, network, averaged, optimiser)
        print(f"flagship: resumes after step {progress['step']}", file=sys.stderr)
    started, first, recent = time.monotonic(), progress["step"], []
    network.train()
    for step in range(first, training.steps):
        generator = Generator().manual_seed(seed * 1_000_003 + step)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, training)
        batch = draw_batch(sources, training, generator, network.settings.simulated_kind)
        found = losses(*_answer(network, batch))
        if not found.total.isfinite():
            raise DataError(f"flagship: the loss must stay finite, got {float(found.total.detach())} at step {step}")
        optimiser.zero_grad(set_to_none=True)
        found.total.backward()
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), training.gradient_clip)
        if norm.isfinite():
            optimiser.step()
            averaged.update_parameters(network)
        recent.append((float(found.error.detach()), float(found.band.detach()), float(norm), not norm.isfinite()))
        if (step + 1) % training.report_every == 0:
            means = [sum(column) / len(recent) for column in zip(*recent, strict=True)]
            names = ("error", "band", "gradient_norm", "skipped")
            progress["history"].append({"step": step + 1, **dict(zip(names, means, strict=True))})
            recent = []
            left = (time.monotonic() - started) / (step + 1 - first) * (training.steps - step - 1)
            shown = ", ".join(f"{name} {value:.4g}" for name, value in zip(names, means, strict=True))
            print(f"flagship: step {step + 1}/{training.steps}, {shown}; {left:.0f} s left", file=sys.stderr)
        if checkpoint is not None and ((step + 1) % training.checkpoint_every == 0 or step + 1 == training.steps):
            progress["step"] = step + 1
            save_progress(checkpoint, network, averaged, optimiser, progress)
    network.load_state_dict(averaged.module.state_dict())
    network.settings = answers_by
    network.eval()
    return progress


def save_progress(path: Path, network, averaged, optimiser, progress: dict) -> None:
    """Write all that a training needs to go on; draws depend on the step alone."""
    tensors = {f"network/{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"averaged/{name}": value for name, value in averaged.state_dict().items()}
    for number, values in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser/{number}/{name}": value for name, value in values.items()}
    write_tensors(arrays_of(tensors), {"progress": progress}, path)


def load_progress(path: Path, network, averaged, optimiser) -> dict:
    """Put a saved state back in place and return its progress."""
    arrays, header = read_tensors(path)
    tensors = tensors_of(arrays)
    for owner, module in (("network", network), ("averaged", averaged)):
        prefix = f"{owner}/"
        module.load_state_dict({n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)})
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimiser/"):
            _, number, key = name.split("/")
            state.setdefault(int(number), {})[key] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    return header["progress"]


def _answer(network: FlagshipNetwork, batch: tuple[Quotes, Asked]):
    quotes, asked = batch
    return network(quotes), asked


def _simulated(
    sources: Sources, surfaces: int, context: int, targets: int, contexts: Contexts, generator: Generator
) -> tuple[Quotes, Asked]:
    corpus = sources.corpus.model_copy(update={"contexts": contexts})
    drawn = draw(generator, surfaces, context, targets, corpus, sources.pools)
    quotes = Quotes(
        drawn.context_log_moneyness,
        drawn.context_time_to_maturity,
        drawn.context_implied_vol,
        drawn.context_half_spread,
        drawn.present,
        torch.full((surfaces, 3), torch.nan),
        torch.zeros((surfaces, 1), dtype=torch.long),
    )
    wanted = torch.ones_like(drawn.target_clean_implied_vol, dtype=torch.bool)
    asked = Asked(drawn.target_log_moneyness, drawn.target_time_to_maturity, drawn.target_clean_implied_vol, wanted)
    return quotes, asked


def _visits(sources: Sequence[RealSource], count: int, generator: Generator) -> Iterator[tuple[RealSource, int]]:
    """How many of `count` visits go to each source, those without one left out."""
    if len(sources) == 1 and count:
        yield sources[0], count
    elif count:
        shares = torch.tensor([source.share for source in sources])
        drawn = torch.multinomial(shares, count, replacement=True, generator=generator).bincount(minlength=len(sources))
        yield from ((source, visits) for source, visits in zip(sources, drawn.tolist(), strict=True) if visits)


def _joined(parts: list):
    """Stack batches of one width; a narrower one repeats its first column, unused."""
    kind, fields = type(parts[0]), parts[0].__dataclass_fields__
    columns = {}
    for name in fields:
        tensors = [getattr(part, name) for part in parts]
        width = max(tensor.shape[1] for tensor in tensors)
        columns[name] = torch.cat([_widened(tensor, width) for tensor in tensors])
    return kind(**columns)


def _widened(tensor: Tensor, width: int) -> Tensor:
    missing = width - tensor.shape[1]
    if not missing:
        return tensor
    filler = torch.zeros_like(tensor[:, :1]) if tensor.dtype == torch.bool else tensor[:, :1]
    return torch.cat((tensor, filler.expand(-1, missing)), 1)
