"""What a method costs: time per surface and peak memory."""

import resource
import sys
import time
from collections.abc import Sequence

import numpy as np

from ivyspt.completion import Method
from ivyspt.evaluation.tasks import Task


def latency(method: Method, tasks: Sequence[Task]) -> dict[str, float]:
    """Median and 95th percentile of the time of one surface on its own, preprocessing included; milliseconds."""
    times = []
    for task in tasks:
        start = time.perf_counter()
        method.complete(task.context, task.asked.log_moneyness, task.asked.time_to_maturity)
        times.append(1e3 * (time.perf_counter() - start))
    return {"milliseconds_p50": float(np.quantile(times, 0.5)), "milliseconds_p95": float(np.quantile(times, 0.95))}


def peak_memory() -> float:
    """Largest resident memory of this process so far; MiB."""
    per_mebibyte = 2**20 if sys.platform == "darwin" else 2**10  # macOS counts bytes, Linux kibibytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_mebibyte
