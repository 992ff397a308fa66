"""A line for each finished job with an estimate of the time left: `snakemake --logger progress`.

Snakemake finds the plugin by its name when this folder is on PYTHONPATH, which is how the Makefile calls it.
"""

import sys
import time
from collections import Counter, defaultdict
from logging import ERROR, LogRecord

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent


class Clock:
    """Durations of the jobs of a run, and what they say about the time left."""

    def __init__(self, counts: dict[str, int], now: float):
        self.waiting = Counter(counts)  # rule -> jobs not yet finished
        self.total = sum(counts.values())
        self.start = now
        self.running: dict[int, tuple[str, str, float]] = {}  # job -> rule, name, start
        self.seconds: dict[str, list[float]] = defaultdict(list)  # rule -> durations

    def begin(self, job: int, rule: str, name: str, now: float) -> None:
        """Note that a job starts."""
        self.running[job] = (rule, name, now)

    def end(self, job: int, now: float) -> str:
        """Note that a job has finished; its name and duration."""
        rule, name, start = self.running.pop(job)
        self.waiting[rule] -= 1
        self.seconds[rule].append(now - start)
        return f"{name}, {spoken(now - start)}"

    def left(self, now: float) -> str:
        """How long the rest takes if jobs last as long as those before them, at the pace and width so far."""
        known = {rule: sum(each) / len(each) for rule, each in self.seconds.items()}
        work = sum(count * known[rule] for rule, count in self.waiting.items() if rule in known)
        work -= sum(min(now - start, known[rule]) for rule, _, start in self.running.values() if rule in known)
        width = max(1.0, sum(sum(each) for each in self.seconds.values()) / max(now - self.start, 1e-3))
        unknown = sum(count for rule, count in self.waiting.items() if rule not in known)
        if not work and not unknown:
            return "done"
        timed = sum(self.waiting.values()) - unknown
        if not timed:
            return f"{unknown} jobs of kinds not timed yet"
        rest = f" for {timed} jobs; {unknown} of kinds not timed yet" if unknown else ""
        return f"about {spoken(work / width)} left{rest}"


class LogHandler(LogHandlerBase):
    """Prints jobs as they finish, and errors in Snakemake's own words."""

    def __post_init__(self) -> None:
        """Start without a run."""
        self.clock = Clock({}, time.monotonic())

    def emit(self, record: LogRecord) -> None:
        """Take in an event; print what a person waits for."""
        now = time.monotonic()
        event = getattr(record, "event", None)
        if event == LogEvent.RUN_INFO:
            counts = {rule: count for rule, count in record.stats.items() if rule not in ("all", "total")}
            self.clock = Clock(counts, now)
            self.say(f"{self.clock.total} jobs to run")
        elif event == LogEvent.JOB_INFO and record.rule_name != "all":
            name = " ".join([record.rule_name, *(str(value) for value in (record.wildcards or {}).values())])
            self.clock.begin(record.jobid, record.rule_name, name, now)
        elif event == LogEvent.JOB_FINISHED and record.job_id in self.clock.running:
            finished = self.clock.end(record.job_id, now)
            done = self.clock.total - sum(self.clock.waiting.values())
            self.say(f"[{done}/{self.clock.total}] {finished}; {self.clock.left(now)}")
        elif record.levelno >= ERROR or "Nothing to be done" in record.getMessage():
            self.say(self.format(record))

    def say(self, line: str) -> None:
        """Print at once."""
        print(line, file=sys.stderr, flush=True)

    @property
    def writes_to_stream(self) -> bool:
        """It takes the place of Snakemake's own lines."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """No file."""
        return False

    @property
    def has_filter(self) -> bool:
        """It chooses events itself: Snakemake's filter would drop those that quiet runs hide."""
        return True

    @property
    def has_formatter(self) -> bool:
        """Errors are worded by Snakemake's formatter."""
        return False

    @property
    def needs_rulegraph(self) -> bool:
        """No graph."""
        return False


def spoken(seconds: float) -> str:
    """A duration as a person says it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
