"""Read by every Python that starts with this folder on PYTHONPATH: two jobs of the study go wrong, once each.

`IVYSPT_FAULTS` names the folder where each fault that has struck leaves a mark.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

MARKS = Path(os.environ["IVYSPT_FAULTS"])
FAILING = "predict", "--run no_kernel.pretrain "  # a stage, and a part of its command
HANGING = "pretrain", "--run ivyspt "


def strike(name: str) -> bool:
    """Whether the fault has not struck before; from now on it has."""
    try:
        (MARKS / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def hang_after(checkpoint: Path) -> None:
    """Stop this process, as a node does that no longer answers, once a checkpoint is there."""
    while not checkpoint.exists():
        time.sleep(0.005)
    os.kill(os.getpid(), signal.SIGSTOP)


def meant(fault: tuple[str, str]) -> bool:
    """Whether this process is the job that the fault is meant for."""
    stage, part = fault
    return words[3] == stage and part in " ".join(words) + " "


words = sys.orig_argv
if words[1:3] == ["-m", "ivyspt"]:
    if meant(FAILING) and strike("failed"):
        sys.exit("the test lets this job fail once")
    if meant(HANGING) and strike("hung"):
        path = Path(words[words.index("--checkpoint") + 1])
        threading.Thread(target=hang_after, args=(path,), daemon=True).start()
