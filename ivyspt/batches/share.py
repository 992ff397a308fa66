"""What one of several processes does of a batch, and how the processes add up what each of them found."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ivyspt.batches.batch import Batch


class _Total(torch.autograd.Function):
    """Forward: the sum over processes. Backward: the gradient of this process's own part, to be summed later."""

    @staticmethod
    def forward(ctx, part: Tensor, add: Callable[[Tensor], Tensor]) -> Tensor:
        return add(part)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


@dataclass(frozen=True)
class Share:
    """A process's surfaces of a batch; the default is the whole batch, in a process of its own.

    `add` sums a tensor over processes, without a gradient. `generator` draws what no two processes may share, such as
    dropout; None: whatever the caller draws from.
    """

    rows: slice | None = None
    add: Callable[[Tensor], Tensor] | None = None
    generator: torch.Generator | None = None

    def of(self, batch: Batch) -> Batch:
        """The process's surfaces."""
        return batch if self.rows is None else batch.rows(self.rows)

    def total(self, part: Tensor) -> Tensor:
        """The sum over processes. Its gradient is that of the process's own part: gradients are summed in the end."""
        return part if self.add is None else _Total.apply(part, self.add)


WHOLE = Share()
