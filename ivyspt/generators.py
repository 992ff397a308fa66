"""Random generators that depend on a seed and on names, never on the order in which rows come."""

import hashlib

import numpy as np


def generator_of(seed: int, *names: str) -> np.random.Generator:
    """A generator that is the same for the same seed and names, and independent of every other's.

    Parameters
    ----------
    seed : int
        Of the study's configuration, >= 0.
    names : str
        What the numbers are drawn for, such as a purpose and a surface.
    """
    digest = hashlib.sha256("\x1f".join(names).encode()).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest, dtype=np.uint32).tolist()])
