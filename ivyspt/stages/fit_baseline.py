"""Tune a baseline on validation days and complete the test surfaces with it."""

import time
from functools import partial
from pathlib import Path

import torch

from ivyspt.artefacts import read_table, write_json, write_table
from ivyspt.baselines.registry import build
from ivyspt.baselines.tuning import tune
from ivyspt.columns import MARKET_FEATURES, MASKS, SPLIT, TIERED_POINTS
from ivyspt.config import Baseline, Evaluation, Masking, Section
from ivyspt.evaluation.cost import latency, peak_memory
from ivyspt.evaluation.predictions import predict_surfaces
from ivyspt.evaluation.tasks import masked_surfaces, some_surfaces, training_surfaces


class Settings(Section):
    """What the stage reads of the configuration."""

    name: str
    seed: int
    baseline: Baseline
    masking: Masking
    evaluation: Evaluation


def run(
    settings: Settings,
    *,
    points: Path,
    market_features: Path,
    split: Path,
    masks: Path,
    predictions: Path,
    chosen: Path,
) -> None:
    """Choose a baseline's settings on validation days, predict the test days; keep what was chosen and what it cost."""
    torch.set_num_threads(1)
    tables = [read_table(points, TIERED_POINTS), read_table(market_features, MARKET_FEATURES), read_table(split, SPLIT)]
    mask_table = read_table(masks, MASKS)
    row, evaluation = settings.baseline, settings.evaluation
    validation = masked_surfaces(*tables, mask_table, "validation")
    start = time.perf_counter()
    choosing = some_surfaces(validation, row.tuning_surfaces, settings.masking.seed)
    choice = {"bounds": row.context_sizes, "failure_error": evaluation.failure_error, "seed": settings.seed}
    method, report = tune(partial(build, row.method), row.candidates, training_surfaces(*tables), choosing, **choice)
    fitted = time.perf_counter()
    tasks = masked_surfaces(*tables, mask_table, "test")
    table = predict_surfaces(method, tasks, evaluation, settings.name, settings.seed, settings.masking.seed)
    predicted = time.perf_counter()
    write_table(table, predictions, {"settings": settings.model_dump(mode="json")})
    cost = {
        "seconds_tune_and_fit": fitted - start,
        "seconds_predict": predicted - fitted,
        "peak_memory_mebibytes": peak_memory(),
        **latency(method, tasks[:: max(1, len(tasks) // evaluation.latency_surfaces)]),
    }
    write_json({"method": settings.name, "seed": settings.seed, "chosen": report, **cost}, chosen)
