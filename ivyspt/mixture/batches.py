"""Many surfaces at once: the network in batches, each on a thread of its own."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from ivyspt.mixture.answers import Answer, Quoted
from ivyspt.mixture.method import answer
from ivyspt.mixture.weights import load_flagship


def answer_many(weights: Path, quoted: Sequence[Quoted], asked: Sequence[tuple]) -> list[Answer]:
    """What `ivyspt.mixture.method.answer` says, by as many threads as torch would use (`OMP_NUM_THREADS`)."""
    network, _ = load_flagship(weights)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # of each batch
    try:
        with ThreadPoolExecutor(threads) as pool:
            return answer(network, quoted, asked, pool.map)
    finally:
        torch.set_num_threads(threads)
