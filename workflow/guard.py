"""One run at a time in a study's folder, which must be writable, and nothing half-written from an earlier one."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import TextIO

LOCK = ".lock"


class GuardError(RuntimeError):
    """A run may not start: the message says what must hold, and what came."""


def hold(folder: Path) -> TextIO:
    """Take a folder for this process until it ends, however it ends: the kernel gives it back after a kill too.

    Returns
    -------
    The open lock; the folder is held as long as it is not closed.

    Raises
    ------
    GuardError
        Another process holds the folder, or nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        lock = (folder / LOCK).open("a+")
    except OSError as error:
        raise GuardError(f"{folder}: must be a folder that can be written, got: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise GuardError(
            f"{folder}: must have one run at a time, got another that goes on (process {holder}): wait or stop it"
        ) from error
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def clear(results: Path, figures: Path) -> int:
    """Remove what a killed run was writing; returns how many files.

    Other studies' folders within, which have locks of their own, are left to their own runs.
    """
    found = [path for folder in _own(results) for path in folder.glob(".*.part")] + list(figures.glob(".*.part"))
    for path in found:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(found)


def _own(folder: Path) -> list[Path]:
    """A folder and those within, but for other studies'."""
    inner = [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]
    return [folder, *(each for path in inner if not (path / LOCK).exists() for each in _own(path))]
