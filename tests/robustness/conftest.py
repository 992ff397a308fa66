"""Disks that are full or may only be read."""

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def mounted(folder: Path, options: str) -> bool:
    """Whether a file system in memory could be mounted at a folder."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0


def fill(folder: Path) -> None:
    """Write to a disk until nothing more fits."""
    with (folder / "filler").open("wb", buffering=0) as file:
        for size in (65_536, 1):
            try:
                while True:
                    file.write(b"0" * size)
            except OSError:
                continue


@pytest.fixture
def full_disk(tmp_path) -> Iterator[Path]:
    """A folder on a disk of a megabyte that is full; freed by removing `filler`."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mounted(folder, "size=1m"):
        pytest.skip("mounting a small disk needs root")
    fill(folder)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def read_only(tmp_path) -> Iterator[Path]:
    """A folder that holds `earlier` and can only be read."""
    folder = tmp_path / "kept"
    folder.mkdir()
    if os.geteuid() != 0:
        (folder / "earlier").write_bytes(b"earlier result")
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)
        return
    if not mounted(folder, "size=1m"):  # root may write where permissions say no
        pytest.skip("mounting a disk to be read only needs root's capabilities")
    (folder / "earlier").write_bytes(b"earlier result")
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def quota(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, in bytes: writing more fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


Writer = Callable[[Path], None]
