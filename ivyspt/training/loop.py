"""One phase of training: from a model to a better one and the history of its losses."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ivyspt.batches.batch import Batch
from ivyspt.batches.share import WHOLE, Share
from ivyspt.batches.surface import Surface
from ivyspt.columns import DataError
from ivyspt.config import Losses, Masking, Phase, Training
from ivyspt.losses.gradnorm import GradNorm
from ivyspt.losses.objective import NAMES, objective
from ivyspt.model.ivyspt import IvySPT
from ivyspt.training.checkpoint import load_state, save_state
from ivyspt.training.optimiser import make_optimiser, schedule
from ivyspt.training.processes import ALONE, Processes, add_gradients
from ivyspt.training.sampling import batches

Row = dict[str, float | int | str | None]
VALIDATION_SEED = 7919  # masks and collocation points of validation are the same in every epoch


@dataclass(frozen=True)
class Plan:
    """All that decides a phase of training beside the data."""

    phase: Phase
    training: Training
    losses: Losses
    masking: Masking
    seed: int
    number: int  # of the phase; phases of one seed draw from streams of their own
    name: str
    checkpoint: Path | None = None


def train(
    model: IvySPT,
    training: Sequence[Surface],
    validation: Sequence[Surface],
    plan: Plan,
    processes: Processes = ALONE,
) -> list[Row]:
    """Train in place, from the plan's checkpoint if there is one, and return the history.

    The history has a row for each loss at each step ("step": value, weight, gradient norm and its target) and for each
    loss, split and epoch ("epoch": mean value, weight). Each of several processes calls this with the same arguments
    and ends with the same weights; only the leading one validates, reports and writes checkpoints.

    Raises
    ------
    DataError
        There is nothing to train on, or a loss ceased to be finite.
    """
    if not training:
        raise DataError(f"{plan.name}: training must have at least one surface, got none")
    if not plan.phase.epochs:
        return []
    device = processes.device(plan.training.device)
    model.to(device, torch.float64 if plan.training.precision == "float64" else torch.float32)
    if plan.training.compile:
        model.compile()
    optimiser = make_optimiser(model, plan.training, plan.phase)
    gradnorm = GradNorm(plan.losses).to(device, next(model.parameters()).dtype)
    first_epoch, history = 0, []
    if plan.checkpoint is not None and plan.checkpoint.exists():
        progress = load_state(plan.checkpoint, model, optimiser, gradnorm)
        first_epoch, history = progress["epoch"], progress["history"]
        if processes.leads:
            print(f"{plan.name}: resumes after epoch {first_epoch}", file=sys.stderr)
    started = time.monotonic()
    for epoch in range(first_epoch, plan.phase.epochs):
        history += _train_epoch(model, training, optimiser, gradnorm, plan, epoch, device, processes)
        if not processes.leads:
            continue
        history += _validate(model, validation, gradnorm, plan, epoch, device)
        done, left = epoch + 1 - first_epoch, plan.phase.epochs - epoch - 1
        seconds = (time.monotonic() - started) / done * left
        _report(plan, epoch, history, seconds)
        if plan.checkpoint is not None and left and (epoch + 1) % plan.training.checkpoint_every == 0:
            save_state(plan.checkpoint, model, optimiser, gradnorm, {"epoch": epoch + 1, "history": history})
    model.share_statistics(WHOLE)
    model.eval()
    return history


def _train_epoch(
    model, surfaces, optimiser, gradnorm, plan: Plan, epoch: int, device, processes: Processes
) -> list[Row]:
    model.train(epoch == 0 or not plan.training.stays_in_evaluation)
    generator = np.random.default_rng([plan.seed, plan.number, epoch])
    draws = torch.Generator().manual_seed(int(generator.integers(2**62)))
    own = np.random.default_rng([plan.seed, plan.number, epoch, processes.rank])
    dropout = torch.Generator().manual_seed(int(own.integers(2**62)))  # no two processes may drop alike
    per_epoch = -(-len(surfaces) // plan.phase.batch_size) * plan.phase.repeats
    rows, totals, count = [], np.zeros(len(NAMES)), 0
    for _ in range(plan.phase.repeats):
        visits = batches(surfaces, plan.masking, plan.phase.batch_size, plan.training.targets_per_surface, generator)
        for batch in visits:
            step = epoch * per_epoch + count
            rate = schedule(step, plan.phase.epochs * per_epoch, plan.phase)
            for group in optimiser.param_groups:
                group["lr"] = rate * group["peak"]
            share = processes.share(batch, dropout)
            losses, balance = _step(model, batch, share, optimiser, gradnorm, plan, draws, device)
            if not np.isfinite(losses).all():
                values = dict(zip(NAMES, losses.tolist(), strict=True))
                raise DataError(f"{plan.name}: losses must stay finite, got {values} at step {step}")
            rows += [
                {"record": "step", "step": step, "epoch": epoch, "split": "train", "loss": name}
                | {"value": float(losses[i]), "weight": float(gradnorm.weights[i])}
                | {key: float(values[i]) for key, values in balance.items()}
                for i, name in enumerate(NAMES)
            ]
            totals += losses
            count += 1
    return rows + _epoch_rows("train", epoch, totals / count, gradnorm)


def _step(model, batch: Batch, share: Share, optimiser, gradnorm: GradNorm, plan: Plan, draws, device):
    """One update of the weights of the model and of the losses; returns the losses and what GradNorm measured."""
    batch = batch.to(device, next(model.parameters()).dtype)
    model.share_statistics(share)
    optimiser.zero_grad(set_to_none=True)
    with torch.autocast(device.type, torch.bfloat16, enabled=plan.training.precision == "bfloat16"):
        losses = objective(model, batch, plan.losses, draws, plan.losses.penalties, share).losses
    balance = {}
    weights = gradnorm.weights.detach().clone()
    if plan.losses.weighting == "gradnorm" and plan.losses.penalties:
        balance = gradnorm.step(losses, model.last_shared_weight, share)
    (weights * losses).sum().backward()
    add_gradients(model.parameters(), share.add)
    if plan.training.gradient_clip is not None:
        torch.nn.utils.clip_grad_norm_(model.parameters(), plan.training.gradient_clip)
    optimiser.step()
    return losses.detach().cpu().double().numpy(), balance


def _validate(model, surfaces, gradnorm, plan: Plan, epoch: int, device) -> list[Row]:
    if not surfaces:
        return []
    model.eval()
    generator = np.random.default_rng([VALIDATION_SEED, plan.number])
    draws = torch.Generator().manual_seed(VALIDATION_SEED)
    totals, count = np.zeros(len(NAMES)), 0
    with torch.no_grad():
        for batch in batches(
            surfaces, plan.masking, plan.phase.batch_size, plan.training.targets_per_surface, generator
        ):
            moved = batch.to(device, next(model.parameters()).dtype)
            losses = objective(model, moved, plan.losses, draws).losses.cpu().double().numpy()
            totals += losses * len(batch.present)
            count += len(batch.present)
    return _epoch_rows("validation", epoch, totals / count, gradnorm)


def _epoch_rows(split: str, epoch: int, losses: np.ndarray, gradnorm: GradNorm) -> list[Row]:
    return [
        {"record": "epoch", "step": None, "epoch": epoch, "split": split, "loss": name}
        | {"value": float(value), "weight": float(weight), "norms": None, "targets": None}
        for name, value, weight in zip(NAMES, losses, gradnorm.weights, strict=True)
    ]


def _report(plan: Plan, epoch: int, history: list[Row], seconds: float) -> None:
    last = {(row["split"], row["loss"]): row["value"] for row in history[-2 * len(NAMES) :]}
    losses = ", ".join(f"{split} {loss} {value:.2e}" for (split, loss), value in last.items())
    print(f"{plan.name}: epoch {epoch + 1}/{plan.phase.epochs}, {losses}; {seconds:.0f} s left", file=sys.stderr)
