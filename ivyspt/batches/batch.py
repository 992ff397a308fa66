"""Context and target points of several surfaces as padded tensors."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ivyspt.completion import Context, Targets


@dataclass(frozen=True)
class Batch:
    """Points of several surfaces; `present` and `asked` are False where a row is padded.

    Vols and the market's vol are decimals, maturities years. `market` holds the market return, the market's vol and the
    treasury rate, NaN where unknown.
    """

    context_log_moneyness: Float[Tensor, "batch context"]
    context_time_to_maturity: Float[Tensor, "batch context"]
    context_implied_vol: Float[Tensor, "batch context"]
    present: Bool[Tensor, "batch context"]
    target_log_moneyness: Float[Tensor, "batch target"]
    target_time_to_maturity: Float[Tensor, "batch target"]
    target_implied_vol: Float[Tensor, "batch target"]
    asked: Bool[Tensor, "batch target"]
    market: Float[Tensor, "batch 3"]

    def to(self, device: torch.device, dtype: torch.dtype) -> "Batch":
        """The batch on another device, its numbers in another precision."""
        moved = {}
        for field in fields(self):
            value = getattr(self, field.name)
            moved[field.name] = value.to(device) if value.dtype == torch.bool else value.to(device, dtype)
        return replace(self, **moved)

    def rows(self, chosen: slice) -> "Batch":
        """Some of the surfaces, padded as before."""
        return replace(self, **{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


def collate(pairs: Sequence[tuple[Context, Targets]]) -> Batch:
    """Pad surfaces to the longest context and the longest targets.

    Padded coordinates repeat the surface's first one, so that every formula stays finite there.
    """
    contexts, targets = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    context_length = max(len(context.log_moneyness) for context in contexts)
    target_length = max(1, *(len(target.log_moneyness) for target in targets))

    def padded(rows: Sequence[np.ndarray], length: int, fallback: Sequence[float]) -> Tensor:
        table = np.empty((len(rows), length))
        for row, values in enumerate(rows):
            table[row, : len(values)] = values
            table[row, len(values) :] = fallback[row]
        return torch.from_numpy(table)

    def mask(rows: Sequence[np.ndarray], length: int) -> Tensor:
        lengths = torch.tensor([len(values) for values in rows])
        return torch.arange(length)[None, :] < lengths[:, None]

    first_k = [context.log_moneyness[0] for context in contexts]
    first_tau = [context.time_to_maturity[0] for context in contexts]
    first_iv = [context.implied_vol[0] for context in contexts]
    return Batch(
        padded([context.log_moneyness for context in contexts], context_length, first_k),
        padded([context.time_to_maturity for context in contexts], context_length, first_tau),
        padded([context.implied_vol for context in contexts], context_length, first_iv),
        mask([context.log_moneyness for context in contexts], context_length),
        padded([target.log_moneyness for target in targets], target_length, first_k),
        padded([target.time_to_maturity for target in targets], target_length, first_tau),
        padded([target.implied_vol for target in targets], target_length, first_iv),
        mask([target.log_moneyness for target in targets], target_length),
        torch.from_numpy(np.stack([context.market for context in contexts])),
    )
