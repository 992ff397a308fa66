"""AdamW with layer-wise learning rates, and its schedule."""

import math

import torch
from torch import nn

from ivyspt.config import Phase, Training
from ivyspt.model.ivyspt import IvySPT


def layer_of(name: str, blocks: int) -> int:
    """Depth of a parameter: 0 for the embedding, l for block l, `blocks + 1` for the read-out."""
    if name.startswith("encoder.blocks."):
        return int(name.split(".")[2]) + 1
    return blocks + 1 if name.startswith(("head.", "mixture.", "regression.")) else 0


def decays(name: str, parameter: nn.Parameter) -> bool:
    """Whether weight decay applies: to matrices, not to biases, norms, kernel scales or the positional base."""
    return parameter.ndim > 1 and not name.endswith(("log_base", "log_scale"))


def make_optimiser(model: IvySPT, training: Training, phase: Phase) -> torch.optim.AdamW:
    """AdamW whose learning rate falls by `layer_decay` per layer away from the read-out (or, as published, towards it).

    Each group keeps its peak learning rate under `peak`.
    """
    blocks = len(model.encoder.blocks)
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        groups.setdefault((layer_of(name, blocks), decays(name, parameter)), []).append(parameter)
    settings = []
    for (layer, decayed), parameters in sorted(groups.items()):
        distance = blocks + 1 - layer if phase.layer_decay_from == "output" else layer
        peak = phase.learning_rate * phase.layer_decay**distance
        weight_decay = training.weight_decay if decayed else 0.0
        settings.append({"params": parameters, "lr": peak, "peak": peak, "weight_decay": weight_decay})
    return torch.optim.AdamW(settings, betas=training.betas)


def schedule(step: int, steps: int, phase: Phase) -> float:
    """Share of the peak learning rate at a step (from 0): linear warm-up, then a cosine to the final one.

    By epoch, as published, the rate stays as it is within an epoch and warms up from zero.
    """
    first = 1
    if phase.schedule_by == "epoch":
        step, steps, first = step * phase.epochs // steps, phase.epochs, 0
    warmup = round(phase.warmup * steps)
    if step < warmup:
        return (step + first) / warmup
    progress = (step - warmup) / max(1, steps - 1 - warmup)
    final = phase.final_learning_rate / phase.learning_rate
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
