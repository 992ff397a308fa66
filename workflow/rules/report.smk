"""Reports that a person reads; nothing depends on them."""

from workflow.notebook import notebook_fingerprint

FROM_QUOTES = "build_surfaces" in READING_STAGES  # a vendor's surfaces have neither slices nor rows dropped at reading


rule report_data:
    """The study's data: coverage, rejections, forwards, smile noise, arbitrage, and surfaces good and bad."""
    input:
        notebook="workflow/notebooks/data_report.ipynb",
        style="workflow/scripts/paper.mplstyle",
        stylesheet="workflow/scripts/reports/report.css",
        all_points="<results>/surfaces/all_points.parquet",
        tiers="<results>/surfaces/tiers.parquet",
        rejections="<results>/quotes/rejections.parquet",
        violations="<results>/quotes/violations.parquet",
        slices="<results>/surfaces/slices.parquet" if FROM_QUOTES else [],
        dropped_rows="<results>/quotes/dropped_rows.parquet" if FROM_QUOTES else [],
    output:
        html=report(
            "<results>/reports/data.html",
            caption="../report/reports/data.rst",
            category="Reports",
            labels={"report": "data"},
        ),
    log:
        text="<logs>/report_data.log",
        notebook="<logs>/report_data.ipynb",
    benchmark:
        "<benchmarks>/report_data.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(8000),
        runtime=15,
    params:
        settings=settings("study", "data"),
        code=code("workflow.scripts.reports.render"),
        notebook=lambda wildcards, input: notebook_fingerprint(Path(input.notebook), ROOT),
    shell:
        "( python -m papermill {input.notebook} {log.notebook} -k python3 --no-progress-bar"
        " -p settings {params.settings:q} -p style {input.style}"
        " -p all_points {input.all_points} -p tiers {input.tiers}"
        " -p rejections {input.rejections} -p violations {input.violations}"
        ' -p slices "{input.slices}" -p dropped_rows "{input.dropped_rows}"'
        " && python -m workflow.scripts.reports.render --notebook {log.notebook}"
        " --stylesheet {input.stylesheet} --html {output.html} ) 2>&1 | tee {log.text}"


rule report_training:
    """Training dynamics: losses by epoch and step, and their weights, of every run."""
    input:
        notebook="workflow/notebooks/training_report.ipynb",
        style="workflow/scripts/paper.mplstyle",
        stylesheet="workflow/scripts/reports/report.css",
        histories=[
            path
            for phase in PHASES
            for path in of_runs(f"<results>/training/{{run}}/{{seed}}/{phase}_history.parquet")
        ],
    output:
        html=report(
            "<results>/reports/training.html",
            caption="../report/reports/training.rst",
            category="Reports",
            labels={"report": "training"},
        ),
    log:
        text="<logs>/report_training.log",
        notebook="<logs>/report_training.ipynb",
    benchmark:
        "<benchmarks>/report_training.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=15,
    params:
        settings=settings("study", "data", "runs", "evaluation"),
        code=code("workflow.scripts.reports.render"),
        notebook=lambda wildcards, input: notebook_fingerprint(Path(input.notebook), ROOT),
    shell:
        "( python -m papermill {input.notebook} {log.notebook} -k python3 --no-progress-bar"
        " -p settings {params.settings:q} -p style {input.style}"
        ' -p histories "{input.histories}"'
        " && python -m workflow.scripts.reports.render --notebook {log.notebook}"
        " --stylesheet {input.stylesheet} --html {output.html} ) 2>&1 | tee {log.text}"


rule report_errors:
    """Error analysis: where the model and the baselines err, and on which surfaces."""
    input:
        notebook="workflow/notebooks/errors_report.ipynb",
        style="workflow/scripts/paper.mplstyle",
        stylesheet="workflow/scripts/reports/report.css",
        errors=of_methods("<results>/evaluation/errors/{method}/{seed}.parquet", "baselines", "finetune"),
        buckets=of_methods("<results>/evaluation/buckets/{method}/{seed}.parquet", "baselines", "finetune"),
        predictions=[of_main_run(f"<results>/predictions/{{run}}.{phase}/{{seed}}.parquet")[0] for phase in PHASES],
        points="<results>/surfaces/points.parquet",
        masks="<results>/masks/evaluation.parquet",
    output:
        html=report(
            "<results>/reports/errors.html",
            caption="../report/reports/errors.rst",
            category="Reports",
            labels={"report": "errors"},
        ),
    log:
        text="<logs>/report_errors.log",
        notebook="<logs>/report_errors.ipynb",
    benchmark:
        "<benchmarks>/report_errors.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(8000),
        runtime=15,
    params:
        settings=settings("study", "data", "runs", "baselines", "evaluation"),
        code=code("workflow.scripts.reports.render"),
        notebook=lambda wildcards, input: notebook_fingerprint(Path(input.notebook), ROOT),
    shell:
        "( python -m papermill {input.notebook} {log.notebook} -k python3 --no-progress-bar"
        " -p settings {params.settings:q} -p style {input.style}"
        ' -p errors "{input.errors}" -p buckets "{input.buckets}" -p predictions "{input.predictions}"'
        " -p points {input.points} -p masks {input.masks}"
        " && python -m workflow.scripts.reports.render --notebook {log.notebook}"
        " --stylesheet {input.stylesheet} --html {output.html} ) 2>&1 | tee {log.text}"
