"""The estimate of the time left, by a clock that the test turns."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "workflow/logger"))

from snakemake_logger_plugin_progress import Clock, spoken


def test_the_rest_is_timed_by_jobs_of_its_kind():
    clock = Clock({"pretrain": 3, "predict": 2}, now=0.0)
    clock.begin(1, "pretrain", "pretrain ivyspt 0", now=0.0)
    assert clock.end(1, now=100.0) == "pretrain ivyspt 0, 2 min"
    assert clock.left(now=100.0) == "about 3 min left for 2 jobs; 2 of kinds not timed yet"
    clock.begin(2, "predict", "predict ivyspt 0", now=100.0)
    clock.end(2, now=110.0)
    assert clock.left(now=110.0) == "about 4 min left"  # two of 100 s and one of 10 s


def test_a_running_job_and_jobs_side_by_side_shorten_the_rest():
    clock = Clock({"pretrain": 4}, now=0.0)
    for job in (1, 2):
        clock.begin(job, "pretrain", f"pretrain {job}", now=0.0)
    for job in (1, 2):
        clock.end(job, now=60.0)
    for job in (3, 4):
        clock.begin(job, "pretrain", f"pretrain {job}", now=60.0)
    assert clock.left(now=60.0) == "about 60 s left"
    for job in (3, 4):
        clock.end(job, now=120.0)
    assert clock.left(now=120.0) == "done"


@pytest.mark.parametrize(("seconds", "words"), [(5, "5 s"), (120, "2 min"), (7200, "2.0 h")])
def test_durations_are_spoken(seconds, words):
    assert spoken(seconds) == words
