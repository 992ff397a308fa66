"""Training by as many processes as the settings ask for."""

from collections.abc import Sequence
from multiprocessing import get_context

import torch
from safetensors.torch import load, save
from torch import distributed

from ivyspt.batches.surface import Surface
from ivyspt.columns import DataError
from ivyspt.config import Model
from ivyspt.model.ivyspt import IvySPT
from ivyspt.training.loop import Plan, Row, train
from ivyspt.training.processes import HOST, Processes

PATIENCE = 60  # seconds for the other processes to end when the leading one is done


def train_by_processes(
    model: IvySPT, training: Sequence[Surface], validation: Sequence[Surface], plan: Plan
) -> list[Row]:
    """Train in place and return the history, as `train` does, by `training.processes` processes of this machine.

    A batch is shared out, so that `batch_size` counts the surfaces of all processes, and their number moves nothing but
    the rounding (and the draws of dropout).
    """
    count = plan.training.processes
    if count == 1:
        return train(model, training, validation, plan)
    store = distributed.TCPStore(HOST, 0, count, is_master=True, wait_for_workers=False)
    weights = save({name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()})
    others = [
        get_context("spawn").Process(
            target=_follow, args=(rank, store.port, model.settings, weights, list(training), plan), daemon=True
        )
        for rank in range(1, count)
    ]
    leader = Processes(0, count)
    device = leader.device(plan.training.device)
    for process in others:
        process.start()
    try:
        with leader.connected(store, device):
            history = train(model, training, validation, plan, leader)
        for process in others:
            process.join(PATIENCE)
    finally:
        for process in others:
            process.terminate()
            process.join(PATIENCE)
    return history


def _follow(rank: int, port: int, settings: Model, weights: bytes, training: list[Surface], plan: Plan) -> None:
    """What every process but the leading one does."""
    torch.set_num_threads(plan.training.threads)
    model = IvySPT(settings, torch.Generator().manual_seed(0))
    model.load_state_dict(load(weights))
    processes = Processes(rank, plan.training.processes)
    store = distributed.TCPStore(HOST, port, processes.count, is_master=False)
    with processes.connected(store, processes.device(plan.training.device)):
        try:
            train(model, training, [], plan, processes)
        except DataError:  # the leading process comes upon the same and says so
            return
