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
    """AdamW whose learning rate falls by `layer_decay` per layer below the read-out.

    Each group keeps its peak learning rate under `peak`.
    """
    blocks = len(model.encoder.blocks)
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        groups.setdefault((layer_of(name, blocks), decays(name, parameter)), []).append(parameter)
    settings = []
    for (layer, decayed), parameters in sorted(groups.items()):
        peak = phase.learning_rate * phase.layer_decay ** (blocks + 1 - layer)
        weight_decay = training.weight_decay if decayed else 0.0
        settings.append({"params": parameters, "lr": peak, "peak": peak, "weight_decay": weight_decay})
    return torch.optim.AdamW(settings, betas=training.betas)


def schedule(step: int, steps: int, phase: Phase) -> float:
    """Share of the peak learning rate at a step (from 0): linear warm-up, then a cosine to the final one."""
    warmup = round(phase.warmup * steps)
    if step < warmup:
        return (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - 1 - warmup)
    final = phase.final_learning_rate / phase.learning_rate
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
