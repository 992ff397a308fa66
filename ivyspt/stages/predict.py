"""Complete the test surfaces with trained weights."""

import time
from pathlib import Path

import torch

from ivyspt.artefacts import read_table, write_json, write_table
from ivyspt.columns import MARKET_FEATURES, MASKS, SPLIT, TIERED_POINTS
from ivyspt.config import Evaluation, Masking, Section
from ivyspt.evaluation.cost import latency, peak_memory
from ivyspt.evaluation.predictions import predict_surfaces
from ivyspt.evaluation.tasks import masked_surfaces
from ivyspt.model.predictor import Predictor
from ivyspt.training.checkpoint import load_weights


class Settings(Section):
    """What the stage reads of the configuration."""

    masking: Masking
    evaluation: Evaluation


def run(
    settings: Settings,
    *,
    weights: Path,
    points: Path,
    market_features: Path,
    split: Path,
    masks: Path,
    run: str,
    phase: str,
    seed: int,
    predictions: Path,
    cost: Path,
) -> None:
    """Predict the test days in float64 and keep what it cost.

    Fine-tuned weights answer for the tier that they were tuned on, pre-trained ones for both.
    """
    torch.set_num_threads(1)
    tables = [read_table(points, TIERED_POINTS), read_table(market_features, MARKET_FEATURES), read_table(split, SPLIT)]
    tasks = masked_surfaces(*tables, read_table(masks, MASKS), "test")
    tasks = [task for task in tasks if phase == "pretrain" or task.tier == "sparse"]
    method = Predictor(load_weights(weights).double())
    start = time.perf_counter()
    table = predict_surfaces(method, tasks, settings.evaluation, run, seed, settings.masking.seed)
    predicted = time.perf_counter() - start
    write_table(table, predictions, {"settings": settings.model_dump(mode="json"), "run": run, "seed": seed})
    some = tasks[:: max(1, len(tasks) // settings.evaluation.latency_surfaces)]
    spent = {"seconds_predict": predicted, "peak_memory_mebibytes": peak_memory(), **latency(method, some)}
    write_json({"method": run, "seed": seed, **spent}, cost)
