"""Snakemake leaves the cores to the jobs."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
JOBS = 40
SNAKEFILE = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from workflow.scheduling import start_without_a_rate

onstart:
    ONSTART

rule last:
    input: expand("{{n}}.done", n=range({JOBS}))
    shell: "ls /proc/$PPID/task | wc -l > threads"

rule each:
    output: "{{n}}.done"
    shell: "touch {{output}}"
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts threads under /proc")
@pytest.mark.parametrize(("onstart", "heaped"), [("start_without_a_rate(workflow)", False), ("pass", True)])
def test_no_timers_heap_up_behind_finished_jobs(tmp_path, onstart, heaped):
    """With Snakemake's own limit a timer stays for each job that has ended; should it ever not, ours can go."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE.replace("ONSTART", onstart))
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--quiet", "all"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    threads = int((tmp_path / "threads").read_text())
    assert (threads > JOBS / 2) is heaped
