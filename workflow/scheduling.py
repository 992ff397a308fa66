"""What keeps Snakemake itself from taking the time of the jobs."""

USUAL = (100, 1.0)  # Snakemake's own limit: jobs, seconds


def start_without_a_rate(workflow) -> None:
    """Let jobs start without Snakemake's own limit on their number per second; call it when a run begins.

    Under that limit each event of a job starts a timer, and each timer that ends has every ready job looked at again
    and starts another (Snakemake 9.27.1, `_schedule_reevalutation`): after two hundred jobs that takes most of a core,
    on a cluster one of its login node. How many jobs run at a time is for `cores` and `jobs` to say; a
    limit that someone has set, to spare a cluster, stays.
    """
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if limit is not None and (limit.max_jobs, limit.timespan) == USUAL:
        workflow.scheduler.job_rate_limiter = None
