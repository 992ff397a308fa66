"""A trained IvySPT as a method: contexts in, completions out."""

from collections.abc import Iterator, Sequence
from dataclasses import fields

import numpy as np
import torch

from ivyspt.batches.batch import Batch, collate
from ivyspt.completion import Completion, Context, Targets
from ivyspt.jets import KK, TAU, K
from ivyspt.model.ivyspt import Fitted, IvySPT

LARGEST_STEP = 50_000  # context-target pairs that one forward pass holds, to bound its memory
TARGET_FIELDS = ("target_log_moneyness", "target_time_to_maturity", "target_implied_vol", "asked")


class Predictor:
    """Answers by a model in evaluation mode; a fixed model learns nothing from `fit`."""

    def __init__(self, model: IvySPT):
        self.model = model.eval()
        self.parameter = next(model.parameters())

    def fit(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        """Do nothing: training is a stage of its own."""

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """Complete one surface."""
        return self.complete_many([context], [(log_moneyness, time_to_maturity)])[0]

    def complete_many(
        self, contexts: Sequence[Context], asked: Sequence[tuple[np.ndarray, np.ndarray]], derivatives: bool = True
    ) -> list[Completion]:
        """Complete surfaces together; padding and company change no answer."""
        answers: list[Completion | None] = [None] * len(contexts)
        for chosen in self._chunks(contexts, asked):
            pairs = [(contexts[i], Targets(*asked[i], np.full(len(asked[i][0]), np.nan))) for i in chosen]
            with torch.no_grad():
                fitted = self._fit_batch(collate(pairs), derivatives)
            vols = fitted.implied_vol.double().cpu().numpy()
            variances = fitted.total_variance.double().cpu().numpy()
            for row, i in enumerate(chosen):
                count = len(asked[i][0])
                jet = variances[:, row, :count]
                own = {"w_k": jet[K], "w_kk": jet[KK], "w_tau": jet[TAU]} if derivatives else {}
                answers[i] = Completion(vols[row, :count], **own)
        return answers

    def _chunks(self, contexts, asked) -> Iterator[list[int]]:
        """Indices of surfaces of like size, few enough for one pass."""
        order = sorted(range(len(contexts)), key=lambda i: (len(asked[i][0]), len(contexts[i].implied_vol)))
        chunk: list[int] = []
        for i in order:
            most = max(len(contexts[j].implied_vol) for j in [*chunk, i]) * len(asked[i][0])
            if chunk and most * (len(chunk) + 1) > LARGEST_STEP:
                yield chunk
                chunk = []
            chunk.append(i)
        yield chunk

    def _fit_batch(self, batch: Batch, derivatives: bool) -> Fitted:
        batch = batch.to(self.parameter.device, self.parameter.dtype)
        if self.model.settings.target_attention == "all":
            return self._fit_one_by_one(batch, derivatives)
        return self.model(batch, derivatives)

    def _fit_one_by_one(self, batch: Batch, derivatives: bool) -> Fitted:
        """As published: one target a surface, since targets that see one another change each other's answer."""
        surfaces, count = batch.asked.shape
        unfolded = {
            field.name: getattr(batch, field.name).reshape(-1, 1)
            if field.name in TARGET_FIELDS
            else getattr(batch, field.name).repeat_interleave(count, 0)
            for field in fields(batch)
        }
        each = LARGEST_STEP // (32 * (batch.present.shape[1] + 1)) + 1  # each carries its whole context along
        parts = [
            self.model(Batch(**{name: column[start : start + each] for name, column in unfolded.items()}), derivatives)
            for start in range(0, surfaces * count, each)
        ]
        return Fitted(
            torch.cat([part.implied_vol for part in parts]).reshape(surfaces, count),
            torch.cat([part.total_variance for part in parts], 1).reshape(-1, surfaces, count),
            [],
        )
