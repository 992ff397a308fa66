"""Break the code in one place after another and see whether a test fails: `make mutants`.

Each mutant is a copy of the project with one piece of text replaced. It is killed where one of the tests that concern
it fails, and survives where all pass: then the tests do not hold what they should. Exit status 1 where one survives, or
where the text to replace is gone.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = ("ivyspt", "tests", "workflow", "config", "envs", "pyproject.toml", "Makefile", ".ci")
FAILED = 1  # pytest's exit status where tests ran and some failed


@dataclass(frozen=True)
class Mutant:
    """A fault: what it is, where, and the tests that must see it."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTANTS = (
    Mutant(
        "butterfly: slope not squared",
        "ivyspt/arbitrage.py",
        "slope = w_k if as_published else w_k**2",
        "slope = w_k",
        ("tests/test_arbitrage.py",),
    ),
    Mutant(
        "butterfly: a half for the quarter",
        "ivyspt/arbitrage.py",
        "slope / 4 * (1 / w",
        "slope / 2 * (1 / w",
        ("tests/test_arbitrage.py",),
    ),
    Mutant(
        "butterfly: sign of the second derivative",
        "ivyspt/arbitrage.py",
        "+ w_kk / 2",
        "- w_kk / 2",
        ("tests/test_arbitrage.py",),
    ),
    Mutant(
        "butterfly: the penalty punishes what is sound",
        "ivyspt/losses/objective.py",
        "return (-g).clamp_min(0).square()",
        "return g.clamp_min(0).square()",
        ("tests/losses/test_objective.py",),
    ),
    Mutant(
        "calendar: the penalty punishes what is sound",
        "ivyspt/losses/objective.py",
        "return (-w_tau).clamp_min(0).square()",
        "return w_tau.clamp_min(0).square()",
        ("tests/losses/test_objective.py",),
    ),
    Mutant(
        "kernel: sign of the second derivative in log-moneyness",
        "ivyspt/model/kernel_embedding.py",
        "by_xx * first[K].square()",
        "-by_xx * first[K].square()",
        ("tests/model/test_ivyspt.py",),
    ),
    Mutant(
        "kernel: padding is smoothed too",
        "ivyspt/model/kernel_embedding.py",
        "squares = squares.masked_fill(~present[:, None, None, :], BEYOND_REACH)",
        "squares = squares + 0",
        ("tests/model/test_ivyspt.py",),
    ),
    Mutant(
        "jets: the cross term of a product's second derivative",
        "ivyspt/jets.py",
        "a_kk * b0 + 2 * a_k * b_k + a0 * b_kk",
        "a_kk * b0 + a_k * b_k + a0 * b_kk",
        ("tests/test_jets.py",),
    ),
    Mutant(
        "split: no purge",
        "ivyspt/surfaces/split.py",
        "    if not first:\n",
        "    if False:\n",
        ("tests/surfaces/test_split.py",),
    ),
    Mutant(
        "split: no embargo",
        "ivyspt/surfaces/split.py",
        "    if split.embargo_days:\n",
        "    if False:\n",
        ("tests/surfaces/test_split.py",),
    ),
    Mutant(
        "attention: padding is attended to",
        "ivyspt/model/attention.py",
        "        if present is not None:\n",
        "        if False:\n",
        ("tests/model/test_ivyspt.py",),
    ),
    Mutant(
        "attention: targets see each other",
        "ivyspt/model/encoder.py",
        'self.sees_all = settings.target_attention == "all"',
        "self.sees_all = True",
        ("tests/model/test_ivyspt.py",),
    ),
    Mutant(
        "GradNorm: its gradient reaches the model",
        "ivyspt/losses/gradnorm.py",
        "leak = self.settings.gradnorm_leak",
        "leak = True",
        ("tests/losses/test_gradnorm.py",),
    ),
    Mutant(
        "GradNorm: the weights move the wrong way",
        "ivyspt/losses/gradnorm.py",
        "direction = (weighted - target).sign() * weighted",
        "direction = (target - weighted).sign() * weighted",
        ("tests/losses/test_gradnorm.py",),
    ),
    Mutant(
        "masks: hidden points are shown",
        "ivyspt/batches/masking.py",
        '    visible = surface["visible"].to_numpy()\n',
        '    visible = surface["visible"].to_numpy() | True\n',
        ("tests/batches/test_masking.py", "tests/stages/test_surface_stages.py"),
    ),
    Mutant(
        "tasks: baselines are fitted to hidden points",
        "ivyspt/evaluation/tasks.py",
        'points.filter(pl.col("visible")), split, part',
        "points, split, part",
        ("tests/evaluation",),
    ),
    Mutant(
        "twins: one of a pair is shown, the other asked",
        "ivyspt/batches/masking.py",
        "    return masked[group]\n",
        "    return generator.permutation(masked[group])\n",
        ("tests/batches/test_masking.py",),
    ),
    Mutant(
        "twins: the -50 and +50 delta points are no group",
        "ivyspt/surfaces/qmoms_table.py",
        'pl.when(pl.col("delta").abs() == 50)',
        'pl.when(pl.col("delta").abs() == 51)',
        ("tests/surfaces/test_qmoms_table.py",),
    ),
    Mutant(
        "market: tomorrow's value is joined",
        "ivyspt/surfaces/market_features.py",
        'strategy="backward"',
        'strategy="forward"',
        ("tests/surfaces/test_market_features.py",),
    ),
    Mutant(
        "market: a yield counts before it is published",
        "ivyspt/surfaces/market_features.py",
        "PUBLICATION_DAYS = 1 ",
        "PUBLICATION_DAYS = 0 ",
        ("tests/surfaces/test_market_features.py",),
    ),
    Mutant(
        "resuming: the optimiser's state is forgotten",
        "ivyspt/training/checkpoint.py",
        '        target.load_state_dict({"state": state,',
        '        dict({"state": state,',
        ("tests/training/test_loop.py",),
    ),
    Mutant(
        "checkpoints: a flipped bit passes",
        "ivyspt/tensor_file.py",
        'if header.pop("checksum", None) != _checksum(arrays, header):',
        'if header.pop("checksum", None) is None:',
        ("tests/test_tensor_file.py", "tests/robustness/test_inputs.py"),
    ),
    Mutant(
        "files: half a file takes the name",
        "ivyspt/artefacts.py",
        "temporary = path.with_name(",
        "temporary = path if path.parent.exists() else path.with_name(",
        ("tests/robustness/test_disks.py",),
    ),
    Mutant(
        "runs: two may write in one folder",
        "workflow/guard.py",
        "fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)",
        ("tests/robustness/test_runs.py",),
    ),
)


def copy_project(folder: Path) -> None:
    """What tests need of the project."""
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)


def passes(folder: Path, tests: tuple[str, ...]) -> bool:
    """Whether the tests pass in a copy.

    Raises
    ------
    SystemExit
        They cannot even be run.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", *tests]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode not in (0, FAILED):
        raise SystemExit(f"pytest could not run {' '.join(tests)}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.returncode == 0


def verdict(mutant: Mutant, folder: Path) -> str:
    """`killed`, `SURVIVED` or `GONE`; the copy is as before afterwards."""
    path = folder / mutant.file
    text = path.read_text()
    if text.count(mutant.old) != 1:
        return "GONE"  # the code has changed: the mutant must be written anew
    path.write_text(text.replace(mutant.old, mutant.new))
    try:
        return "SURVIVED" if passes(folder, mutant.tests) else "killed"
    finally:
        path.write_text(text)


def main() -> int:
    """Run every mutant whose name holds the given words, and print the table."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="only mutants whose name holds one of these")
    words = parser.parse_args().words
    mutants = [each for each in MUTANTS if not words or any(word in each.name for word in words)]
    verdicts = []
    with tempfile.TemporaryDirectory(prefix="ivyspt-mutants-") as place:
        folder = Path(place)
        copy_project(folder)
        tests = sorted({test for mutant in mutants for test in mutant.tests})
        if not passes(folder, tuple(tests)):
            raise SystemExit(f"the tests must pass before anything is broken, got a failure among {' '.join(tests)}")
        for mutant in mutants:
            start = time.monotonic()
            verdicts.append(verdict(mutant, folder))
            seconds = time.monotonic() - start
            print(f"{verdicts[-1]:<9} {seconds:>4.0f} s  {mutant.name}  ({mutant.file})", flush=True)
    print(f"{verdicts.count('killed')} of {len(mutants)} mutants killed")
    return int(verdicts.count("killed") != len(mutants))


if __name__ == "__main__":
    sys.exit(main())
