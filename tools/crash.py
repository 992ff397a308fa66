"""Kill the smoke study at random moments, resume it each time, and compare its results with an undisturbed run's.

`make crash` kills it twenty times, `make crash KILLS=2` twice. Each kill takes the whole process group, and what it has
started, by SIGKILL, which no program can catch. Directly after a kill every result that stands under its name must be
whole already: the same bytes as the undisturbed run's. At the end all of them must be there. Times and memory that are
measured are left out of the comparison. Exit status 1 where anything differs.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
PARTS = ("workflow", "ivyspt", "config", "envs")
STUDY = ("--configfile", "config/smoke.yaml")
FOLDERS = ("results/smoke", "figures/smoke")
NO_RESULTS = {"logs", "benchmarks", "checkpoints"}  # of these folders only the last must be empty at the end
MEASURED_FILES = {"tables/cost.tex", "tables/cost.html"}  # made of measured times and memory alone
MEASURED_KEYS = re.compile(r"^(seconds|milliseconds|peak_memory)_")
EARLY = 0.15  # share of the kills that fall before the first job starts
START = 8.0  # seconds; about what Snakemake takes to its first job


@dataclass(frozen=True)
class Kill:
    """What one kill met and left."""

    number: int
    seconds: float  # since the command was given
    running: list[str]
    results: int  # whole files under their names
    halves: int  # temporary files that no one will finish
    damaged: list[str]


def results_of(project: Path) -> dict[str, bytes]:
    """Content of every result of the smoke study, without what is measured."""
    found = {}
    for folder in FOLDERS:
        for path in sorted((project / folder).rglob("*")):
            name = path.relative_to(project / folder)
            hidden = path.name.startswith(".") or name.parts[0] in NO_RESULTS or str(name) in MEASURED_FILES
            if path.is_file() and not hidden:
                found[f"{folder}/{name}"] = content_of(path)
    return found


def content_of(path: Path) -> bytes:
    """Bytes of a file; of JSON without measured values."""
    if path.suffix != ".json":
        return path.read_bytes()
    try:
        return json.dumps(without_measured(json.loads(path.read_text())), sort_keys=True).encode()
    except ValueError:
        return path.read_bytes()


def without_measured(value):
    """JSON content without the keys that hold times or memory."""
    if isinstance(value, dict):
        return {key: without_measured(inner) for key, inner in value.items() if not MEASURED_KEYS.match(key)}
    return [without_measured(inner) for inner in value] if isinstance(value, list) else value


def litter_of(project: Path) -> list[Path]:
    """Files that a writer had not finished."""
    return [path for folder in FOLDERS for path in (project / folder).rglob(".*.part")]


def copy_project(folder: Path) -> None:
    """The project without what it has made."""
    for name in PARTS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))


def start(project: Path, cores: int, targets: list[str]) -> subprocess.Popen:
    """Begin, or go on with, the study in a process group of its own."""
    command = [sys.executable, "-m", "snakemake", *targets, "--cores", str(cores), *STUDY]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with (project / "run.log").open("w") as log:
        return subprocess.Popen(
            command, cwd=project, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )


def kill(run: subprocess.Popen) -> None:
    """SIGKILL to the group and to whatever it has started, notebooks' kernels too, which have groups of their own."""
    try:
        started = psutil.Process(run.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        started = []
    for end in (lambda: os.killpg(run.pid, signal.SIGKILL), *(each.kill for each in started)):
        try:
            end()
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    run.wait()
    psutil.wait_procs(started, timeout=30)


def jobs_running(log: str) -> list[str]:
    """Names of the jobs that have started and not finished."""
    begun = {}
    for block in re.split(r"\n(?=(?:local)?rule )", log):
        rule, job = re.match(r"(?:local)?rule (\w+)", block), re.search(r"^    jobid: (\d+)", block, re.M)
        if rule and job:
            wildcards = re.search(r"^    wildcards: (.*)$", block, re.M)
            values = [pair.split("=")[1] for pair in wildcards[1].split(", ")] if wildcards else []
            begun[job[1]] = " ".join([rule[1], *values])
    for finished in re.findall(r"^Finished jobid: (\d+)", log, re.M):
        begun.pop(finished, None)
    return sorted(begun.values())


def wait_until(run: subprocess.Popen, moment: float) -> bool:
    """Whether the run is still on at a moment of the monotonic clock."""
    while time.monotonic() < moment:
        if run.poll() is not None:
            return False
        time.sleep(0.05)
    return run.poll() is None


def first_job(run: subprocess.Popen, project: Path) -> bool:
    """Wait for the first job; whether one starts."""
    while run.poll() is None:
        if re.search(r"^(?:local)?rule ", (project / "run.log").read_text(), re.M):
            return True
        time.sleep(0.05)
    return False


def interrupt(
    project: Path, expected: dict[str, bytes], draw: random.Random, gap: float, run: subprocess.Popen, number: int
) -> Kill | None:
    """Kill a run of the study; None where it came to its end first."""
    began = time.monotonic()
    if draw.random() < EARLY:
        alive = wait_until(run, began + draw.uniform(0, START))
    else:
        alive = first_job(run, project) and wait_until(run, time.monotonic() + draw.uniform(0, 2 * gap))
    if not alive:
        if run.wait():
            raise SystemExit(f"the study failed:\n{(project / 'run.log').read_text()[-3000:]}")
        return None
    kill(run)
    seconds = time.monotonic() - began
    found = results_of(project)
    damaged = [name for name, content in found.items() if expected.get(name) != content]
    running = jobs_running((project / "run.log").read_text())
    return Kill(number, seconds, running, len(found), len(litter_of(project)), damaged)


def compare(project: Path, expected: dict[str, bytes]) -> list[str]:
    """What is wrong with a study that came to its end."""
    found = results_of(project)
    wrong = [f"{name} differs" for name in sorted(expected.keys() & found.keys()) if found[name] != expected[name]]
    wrong += [f"{name} is missing" for name in sorted(expected.keys() - found.keys())]
    wrong += [f"{name} should not be there" for name in sorted(found.keys() - expected.keys())]
    wrong += [f"{path.relative_to(project)} was left half-written" for path in litter_of(project)]
    left = [path for path in (project / FOLDERS[0] / "checkpoints").rglob("*") if path.is_file()]
    return wrong + [f"{path.relative_to(project)} was left behind" for path in left]


def seconds_of(reference: Path, cores: int) -> float:
    """How long the jobs of the undisturbed run took, side by side on so many cores."""
    tables = (reference / FOLDERS[0] / "benchmarks").rglob("*.tsv")
    return sum(float(table.read_text().splitlines()[1].split("\t")[0]) for table in tables) / cores


def say_kill(each: Kill) -> None:
    """A row of the table, as soon as it is known."""
    counts = f"{each.results:>5}  {each.halves:>4}  {len(each.damaged):>7}"
    print(f"{each.number:>4}  {each.seconds:>5.1f} s  {counts}  {', '.join(each.running) or 'nothing yet'}", flush=True)
    for name in each.damaged:
        print(f"      {name} is not what the undisturbed run wrote", flush=True)


def say_end(number: int, wrong: list[str], count: int) -> None:
    """What a study that was resumed to its end holds."""
    verdict = "identical to the undisturbed run's" if not wrong else f"{len(wrong)} differ"
    print(f"study {number}, resumed to its end: {count} results, {verdict}", flush=True)
    for line in wrong:
        print(f"      {line}", flush=True)


def main() -> int:
    """Kill, resume, compare."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("targets", nargs="*", help="make these files alone; the undisturbed run must hold no others")
    chosen = parser.parse_args()
    expected = results_of(ROOT)
    if not expected:
        raise SystemExit("results/smoke must hold an undisturbed run, got none: type `make smoke`")
    draw = random.Random(chosen.seed)
    gap = seconds_of(ROOT, chosen.cores) / (chosen.kills + 1)
    kills, ends = [], []
    print(f"{'kill':>4}  {'after':>7}  {'whole':>5}  {'half':>4}  {'damaged':>7}  running when killed", flush=True)
    while len(kills) < chosen.kills:
        with tempfile.TemporaryDirectory(prefix="ivyspt-crash-") as place:
            project = Path(place)
            copy_project(project)
            while len(kills) < chosen.kills:
                found = interrupt(
                    project, expected, draw, gap, start(project, chosen.cores, chosen.targets), len(kills) + 1
                )
                if found is None:
                    break
                kills.append(found)
                say_kill(found)
            run = start(project, chosen.cores, chosen.targets)
            if run.wait():
                raise SystemExit(f"the study failed when resumed:\n{(project / 'run.log').read_text()[-3000:]}")
            ends.append(compare(project, expected))
            say_end(len(ends), ends[-1], len(expected))
    apart = ", ".join([*sorted(MEASURED_FILES), "seconds_…, milliseconds_… and peak_memory_… of costs/"])
    print(f"not compared, since measured: {apart}")
    return int(any(each.damaged for each in kills) or any(ends))


if __name__ == "__main__":
    sys.exit(main())
