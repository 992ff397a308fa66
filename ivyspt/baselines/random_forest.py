"""A random forest on each surface."""

from collections.abc import Sequence

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from ivyspt.baselines.coordinates import Kind, coordinates
from ivyspt.completion import Completion, Context, Targets


class RandomForest:
    """Breiman's forest of implied vol on (u, v). Piecewise constant: it has no derivatives."""

    def __init__(self, trees: int, min_samples_leaf: int, max_features: float, coordinates: Kind) -> None:
        self.trees, self.min_samples_leaf, self.max_features = trees, min_samples_leaf, max_features
        self.coordinates = coordinates
        self.seed = 0

    def fit(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        """Keep the seed of the forests; each surface is fitted on its own."""
        self.seed = seed

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """Grow a forest on the context and ask it."""
        shown = coordinates(self.coordinates, context, context.log_moneyness, context.time_to_maturity).points
        # bootstrap draws go by row number: one order, whatever order the context came in
        order = np.lexsort((context.implied_vol, shown[:, 0], shown[:, 1]))
        forest = RandomForestRegressor(
            n_estimators=self.trees,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            random_state=self.seed,
        )
        forest.fit(shown[order], context.implied_vol[order])
        at = coordinates(self.coordinates, context, log_moneyness, time_to_maturity).points
        return Completion(forest.predict(at) if len(at) else np.empty(0))
