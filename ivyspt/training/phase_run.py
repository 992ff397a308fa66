"""One phase of a run, from tables to the files that it leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ivyspt.artefacts import write_table
from ivyspt.config import Losses, Masking, Section, Training
from ivyspt.model.ivyspt import IvySPT
from ivyspt.training.checkpoint import save_weights
from ivyspt.training.launch import train_by_processes
from ivyspt.training.loop import Plan
from ivyspt.training.phases import HISTORY, TIERS, surfaces_of


class PhaseSettings(Section):
    """What a phase reads of the configuration."""

    losses: Losses
    training: Training
    masking: Masking


@dataclass(frozen=True)
class Outputs:
    """Where a phase leaves its weights, its history, and until both are there the state that it resumes from."""

    weights: Path
    history: Path
    checkpoint: Path


def train_phase(
    phase: str,
    model: IvySPT,
    tables: Sequence[pl.DataFrame],
    settings: PhaseSettings,
    run: str,
    seed: int,
    outputs: Outputs,
) -> None:
    """Train a model in place on the phase's tier; goes on from the checkpoint that an interrupted run has left.

    `phase` is pretrain or finetune; `tables` are points, market features, split and clusters, from `read_tables`.
    """
    parts = [surfaces_of(TIERS[phase], part, *tables, settings.masking) for part in ("train", "validation")]
    plan = Plan(
        getattr(settings.training, phase),
        settings.training,
        settings.losses,
        settings.masking,
        seed,
        number=list(TIERS).index(phase),
        name=f"{phase} {run}, seed {seed}",
        checkpoint=outputs.checkpoint,
    )
    rows = train_by_processes(model, *parts, plan)
    provenance = {"settings": settings.model_dump(mode="json"), "seed": seed}
    write_table(pl.DataFrame(rows, schema=HISTORY), outputs.history, provenance)
    save_weights(model, outputs.weights, provenance)
    outputs.checkpoint.unlink(missing_ok=True)
