"""The model as training starts with it."""

import torch

from ivyspt.batches.batch import Batch
from ivyspt.config import Model
from ivyspt.model.ivyspt import IvySPT


def initial_model(settings: Model, seed: int, batch: Batch) -> IvySPT:
    """The seed's model before the first step, in float64, normalising by the batch's statistics as that step does."""
    model = IvySPT(settings, torch.Generator().manual_seed(seed)).double()
    with torch.no_grad():
        model.train()(batch, generator=torch.Generator().manual_seed(seed))
    return model.eval()


def set_back(trained: IvySPT, seed: int) -> IvySPT:
    """The parameters that the seed's training started from, with the statistics that `trained` normalises by.

    So the two models differ by what was learnt and by nothing else.
    """
    model = IvySPT(trained.settings, torch.Generator().manual_seed(seed)).to(next(trained.parameters()).dtype)
    model.load_state_dict(dict(trained.named_buffers()), strict=False)
    return model.eval()
