"""Calm days against days of market stress."""


rule label_days:
    """Say which days of the study are of market stress."""
    input:
        points="<results>/surfaces/points.parquet",
        market_features="<results>/surfaces/market_features.parquet",
        split="<results>/surfaces/split.parquet",
    output:
        days="<results>/analyses/days.parquet",
    log:
        "<logs>/label_days.log",
    benchmark:
        "<benchmarks>/label_days.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=10,
    params:
        settings=analysis_settings("stress"),
        code=code("ivyspt.stages.label_days"),
    shell:
        "python -m ivyspt label_days --settings {params.settings:q} --points {input.points}"
        " --market-features {input.market_features} --split {input.split} --days {output.days} 2>&1 | tee {log}"


rule compare_stress:
    """Set the baselines and the model of a phase side by side on days of market stress and on calm days."""
    input:
        errors=lambda wildcards: of_methods(
            "<results>/evaluation/errors/{method}/{seed}.parquet", "baselines", wildcards.phase
        ),
        audits=lambda wildcards: of_methods(
            "<results>/evaluation/audit/{method}/{seed}.parquet", "baselines", wildcards.phase
        ),
        days="<results>/analyses/days.parquet",
    output:
        comparison="<results>/analyses/stress_{phase}.parquet",
    log:
        "<logs>/compare_stress/{phase}.log",
    benchmark:
        "<benchmarks>/compare_stress/{phase}.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=30,
    params:
        settings=comparison_settings(),
        code=code("ivyspt.stages.compare_stress"),
    shell:
        "python -m ivyspt compare_stress --settings {params.settings:q} --errors {input.errors}"
        " --audits {input.audits} --days {input.days} --comparison {output.comparison} 2>&1 | tee {log}"


rule plot_stress:
    """Every method on days of market stress, beside calm days and beside the model."""
    input:
        style="workflow/scripts/paper.mplstyle",
        comparison=expand("<results>/analyses/stress_{phase}.parquet", phase=PHASES),
        days="<results>/analyses/days.parquet",
    output:
        pdf="<figures>/stress.pdf",
        png=report(
            "<figures>/stress.png",
            caption="../report/figures/stress.rst",
            category="Figures",
            labels={"figure": "stress"},
        ),
    log:
        "<logs>/plot_stress.log",
    benchmark:
        "<benchmarks>/plot_stress.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=analysis_settings("stress", whole=["data", "market_features", "runs", "baselines", "evaluation"]),
        code=code("workflow.scripts.figures.plot_stress"),
    shell:
        "python -m workflow.scripts.figures.plot_stress --settings {params.settings:q} --style {input.style}"
        " --comparison {input.comparison} --days {input.days}"
        " --pdf {output.pdf} --png {output.png} 2>&1 | tee {log}"


rule tabulate_stress:
    """Every method on days of market stress, beside calm days and beside the model."""
    input:
        comparison=expand("<results>/analyses/stress_{phase}.parquet", phase=PHASES),
        days="<results>/analyses/days.parquet",
    output:
        tex="<results>/tables/stress.tex",
    log:
        "<logs>/tabulate_stress.log",
    benchmark:
        "<benchmarks>/tabulate_stress.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=analysis_settings(
            "stress", whole=["data", "market_features", "split", "runs", "baselines", "evaluation"]
        ),
        code=code("workflow.scripts.tables.tabulate_stress"),
    shell:
        "python -m workflow.scripts.tables.tabulate_stress --settings {params.settings:q}"
        " --comparison {input.comparison} --days {input.days} --tex {output.tex} 2>&1 | tee {log}"
