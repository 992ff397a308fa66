"""The processes of one machine that train a model together, each on its share of every batch.

They exchange sums: of points and losses, of GradNorm's slopes, of gradients. PyTorch's DistributedDataParallel, which
Lightning Fabric and accelerate wrap, averages gradients inside `backward`. GradNorm needs each loss's gradient before
that, by `autograd.grad`, which the wrapper does not see, and as published a second `backward`, which it refuses. The
average of the processes' means is not the mean over points, since their shares hold unequal numbers of them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from ivyspt.batches.batch import Batch
from ivyspt.batches.share import WHOLE, Share
from ivyspt.columns import DataError

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Processes:
    """A process among those that train together; the default trains alone."""

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the one that validates, reports and writes checkpoints."""
        return self.rank == 0

    def share(self, batch: Batch, generator: torch.Generator | None) -> Share:
        """The process's surfaces of a batch: neighbours in it, as many as the other processes', or one more or less.

        Of a batch with fewer surfaces than processes each one does the whole, and the mean is taken. `generator` draws
        dropout where processes are several.
        """
        if self.count == 1:
            return WHOLE
        surfaces = len(batch.present)
        if surfaces < self.count:
            return Share(None, lambda part: add(part) / self.count, generator)
        rows = slice(surfaces * self.rank // self.count, surfaces * (self.rank + 1) // self.count)
        return Share(rows, add, generator)

    def device(self, wanted: str) -> torch.device:
        """The device asked for, a GPU of its own for each process; `auto` takes a GPU where there is one.

        Raises
        ------
        DataError
            CUDA is asked for where there is none, or there are fewer GPUs than processes.
        """
        available = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if wanted == "cuda" and not available:
            raise DataError("training.device cuda needs a CUDA device, got a machine without one")
        if wanted == "cpu" or not available:
            return torch.device("cpu")
        if available < self.count:
            raise DataError(f"training.processes must be no more than the GPUs, got {self.count} on {available}")
        return torch.device("cuda", self.rank) if self.count > 1 else torch.device("cuda")

    @contextmanager
    def connected(self, store: distributed.Store, device: torch.device) -> Iterator[None]:
        """Join the other processes of a store for as long as the context lasts."""
        backend = "nccl" if device.type == "cuda" else "gloo"
        distributed.init_process_group(backend, store=store, rank=self.rank, world_size=self.count)
        try:
            yield
        finally:
            distributed.destroy_process_group()


ALONE = Processes()


def add(part: Tensor) -> Tensor:
    """The sum of every process's part, the same to the bit in each of them."""
    total = part.detach().clone(memory_format=torch.contiguous_format)
    distributed.all_reduce(total)
    return total


def add_gradients(parameters: Iterator[torch.nn.Parameter], over: Callable[[Tensor], Tensor] | None) -> None:
    """Put the sum over processes in place of each gradient; None: there is one process."""
    if over is None:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    total = over(torch.cat([gradient.flatten() for gradient in gradients]))
    for gradient, part in zip(gradients, total.split([each.numel() for each in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))
