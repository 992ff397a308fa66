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
        html="<results>/reports/data.html",
    log:
        text="<logs>/report_data.log",
        notebook="<logs>/report_data.ipynb",
    benchmark:
        "<benchmarks>/report_data.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=8000,
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
