"""Run a study twice from nothing, in two folders, and compare all that it makes byte by byte.

`python -m workflow.identical config/smoke.yaml`, which is `make identical`. The second run takes one core, so that the
order in which jobs end differs. Time and memory are measured, so files that hold them are left out.
"""

import filecmp
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

MADE = ("results", "figures")
MEASURED = ("benchmarks", "checkpoints", "costs", "logs")  # folders of a study's results
MEASURED_FILES = ("tables/cost.tex", "tables/cost.html")


def compared(folder: Path) -> set[str]:
    """Files that a study made under a folder, but for those that hold measured time or memory."""
    paths = (path.relative_to(folder) for made in MADE for path in (folder / made).rglob("*") if path.is_file())
    kept = (path for path in paths if not set(path.parts) & set(MEASURED))
    return {path.as_posix() for path in kept if not path.as_posix().endswith(MEASURED_FILES) and path.name[0] != "."}


def differing(first: Path, second: Path) -> list[str]:
    """Files that only one of the folders has, or that are not the same byte by byte."""
    ours, theirs = compared(first), compared(second)
    unlike = {name for name in ours & theirs if not filecmp.cmp(first / name, second / name, shallow=False)}
    return sorted(unlike | (ours ^ theirs))


def copy_sources(root: Path, folder: Path) -> None:
    """The project as it stands, without what git ignores and without pictures that were made before."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (root / name).is_file() and not name.startswith("figures/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, folder / name)


def run(folder: Path, config: str, cores: str) -> None:
    """Make a study there."""
    command = [sys.executable, "-m", "snakemake", "--configfile", config, "--cores", cores, "--quiet", "all"]
    subprocess.run(command, cwd=folder, check=True)


def main() -> int:
    """Run twice and compare."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("config", help="the study's configuration file")
    parser.add_argument("--cores", default="all", help="of the first run; the second takes one")
    chosen = parser.parse_args()
    root = Path(__file__).parents[1]
    with TemporaryDirectory() as first, TemporaryDirectory(suffix="-in-another-place") as second:
        for folder, cores in ((Path(first), chosen.cores), (Path(second), "1")):
            copy_sources(root, folder)
            run(folder, chosen.config, cores)
        unlike, count = differing(Path(first), Path(second)), len(compared(Path(first)))
    for name in unlike:
        print(f"differs: {name}")
    print(f"{count - len(unlike)} of {count} files are the same byte by byte; measured time and memory are left out")
    return 1 if unlike or not count else 0


if __name__ == "__main__":
    sys.exit(main())
