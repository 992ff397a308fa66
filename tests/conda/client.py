"""The conda client itself, without an installer: conda-lock on PyPI carries the whole of conda 24.7.1."""

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
VENDORED = "conda_lock._vendor.conda"
CONFIGURATION = """\
channel_alias: file://{channels}
channels: [conda-forge]
channel_priority: strict
default_channels: []
solver: classic
notify_outdated_conda: false
report_errors: false
auto_update_conda: false
"""
COMMAND = """\
#!{python}
import sys

from conda.cli import main

if __name__ == "__main__":  # conda starts a process of itself to look for CUDA
    sys.exit(main())
"""
# Snakemake sources this file by its place beside the command
ACTIVATE = 'eval "$("{conda}" shell.posix activate "$@")"\n'


def install_conda(folder: Path, channels: Path) -> Path:
    """Put conda into a folder, with each channel `NAME` at `channels/NAME`; returns the folder of its command.

    That folder holds the command alone, so that it can go on PATH without a second Python.
    """
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "-qq", "--require-hashes", "--no-deps", "-r", HERE / "client.lock"]
    subprocess.run(install, check=True)
    purelib = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(subprocess.run([python, "-c", purelib], check=True, capture_output=True, text=True).stdout.strip())
    shutil.move(packages / VENDORED.replace(".", "/"), packages / "conda")
    for rest in packages.glob("conda_lock*"):
        shutil.rmtree(rest)
    for source in (packages / "conda").rglob("*.py"):
        text = source.read_text()
        if VENDORED in text:
            source.write_text(text.replace(VENDORED, "conda"))
    (folder / "conda-meta").mkdir()
    (folder / "conda-meta" / "history").touch()  # by this conda tells an environment from a folder
    (folder / ".condarc").write_text(CONFIGURATION.format(channels=channels))
    (folder / "bin" / "activate").write_text(ACTIVATE.format(conda=folder / "bin" / "conda"))
    command = folder / "bin" / "conda"
    command.write_text(COMMAND.format(python=python))
    command.chmod(0o755)
    (folder / "condabin").mkdir()
    (folder / "condabin" / "conda").symlink_to(command)
    return folder / "condabin"
