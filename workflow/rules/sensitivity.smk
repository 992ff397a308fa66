"""What the market features move, and what they are worth."""


rule measure_sensitivity:
    """Differentiate a model's answers by the market features, and permute the features as the null."""
    input:
        weights="<results>/training/{run}/{seed}/{phase}.safetensors",
        points="<results>/surfaces/points.parquet",
        market_features="<results>/surfaces/market_features.parquet",
        split="<results>/surfaces/split.parquet",
        masks="<results>/masks/evaluation.parquet",
    output:
        derivatives="<results>/analyses/sensitivity/{run}.{phase}/{seed}_derivatives.parquet",
        permutations="<results>/analyses/sensitivity/{run}.{phase}/{seed}_permutations.parquet",
        gates="<results>/analyses/sensitivity/{run}.{phase}/{seed}_gates.parquet",
    log:
        "<logs>/measure_sensitivity/{run}.{phase}_{seed}.log",
    benchmark:
        "<benchmarks>/measure_sensitivity/{run}.{phase}_{seed}.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=60,
    params:
        settings=analysis_settings("masks", "sensitivity"),
        code=code("ivyspt.stages.measure_sensitivity"),
    shell:
        "python -m ivyspt measure_sensitivity --settings {params.settings:q} --weights {input.weights}"
        " --points {input.points} --market-features {input.market_features} --split {input.split}"
        " --masks {input.masks} --run {wildcards.run}.{wildcards.phase} --phase {wildcards.phase} --seed {wildcards.seed}"
        " --derivatives {output.derivatives} --permutations {output.permutations} --gates {output.gates}"
        " 2>&1 | tee {log}"


rule plot_sensitivity:
    """Derivatives of the answers by each market feature, on calm days and on days of stress."""
    input:
        style="workflow/scripts/paper.mplstyle",
        derivatives=of_studied_runs("<results>/analyses/sensitivity/{method}/{seed}_derivatives.parquet"),
        gates=of_studied_runs("<results>/analyses/sensitivity/{method}/{seed}_gates.parquet"),
        days="<results>/analyses/days.parquet",
    output:
        pdf="<figures>/sensitivity.pdf",
        png=report(
            "<figures>/sensitivity.png",
            caption="../report/figures/sensitivity.rst",
            category="Figures",
            labels={"figure": "sensitivity"},
        ),
    log:
        "<logs>/plot_sensitivity.log",
    benchmark:
        "<benchmarks>/plot_sensitivity.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "runs", "baselines"),
        code=code("workflow.scripts.figures.plot_sensitivity"),
    shell:
        "python -m workflow.scripts.figures.plot_sensitivity --settings {params.settings:q} --style {input.style}"
        " --derivatives {input.derivatives} --gates {input.gates} --days {input.days}"
        " --pdf {output.pdf} --png {output.png} 2>&1 | tee {log}"


rule plot_sensitivity_null:
    """What a market feature of another day does to answers and errors."""
    input:
        style="workflow/scripts/paper.mplstyle",
        derivatives=of_studied_runs("<results>/analyses/sensitivity/{method}/{seed}_derivatives.parquet"),
        permutations=of_studied_runs("<results>/analyses/sensitivity/{method}/{seed}_permutations.parquet"),
        days="<results>/analyses/days.parquet",
    output:
        pdf="<figures>/sensitivity_null.pdf",
        png=report(
            "<figures>/sensitivity_null.png",
            caption="../report/figures/sensitivity_null.rst",
            category="Figures",
            labels={"figure": "sensitivity_null"},
        ),
    log:
        "<logs>/plot_sensitivity_null.log",
    benchmark:
        "<benchmarks>/plot_sensitivity_null.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "runs", "baselines"),
        code=code("workflow.scripts.figures.plot_sensitivity_null"),
    shell:
        "python -m workflow.scripts.figures.plot_sensitivity_null --settings {params.settings:q} --style {input.style}"
        " --derivatives {input.derivatives} --permutations {input.permutations} --days {input.days}"
        " --pdf {output.pdf} --png {output.png} 2>&1 | tee {log}"


rule tabulate_sensitivity:
    """Derivatives by the market features, and permuted features as the null."""
    input:
        derivatives=of_studied_runs("<results>/analyses/sensitivity/{method}/{seed}_derivatives.parquet"),
        permutations=of_studied_runs("<results>/analyses/sensitivity/{method}/{seed}_permutations.parquet"),
        gates=of_studied_runs("<results>/analyses/sensitivity/{method}/{seed}_gates.parquet"),
        days="<results>/analyses/days.parquet",
    output:
        tex="<results>/tables/sensitivity.tex",
    log:
        "<logs>/tabulate_sensitivity.log",
    benchmark:
        "<benchmarks>/tabulate_sensitivity.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "split", "runs", "baselines"),
        code=code("workflow.scripts.tables.tabulate_sensitivity"),
    shell:
        "python -m workflow.scripts.tables.tabulate_sensitivity --settings {params.settings:q}"
        " --derivatives {input.derivatives} --permutations {input.permutations} --gates {input.gates}"
        " --days {input.days} --tex {output.tex} 2>&1 | tee {log}"


rule write_sensitivity:
    """What the sensitivities say for turbulent days and for risk management, in words."""
    input:
        derivatives=of_studied_runs("<results>/analyses/sensitivity/{method}/{seed}_derivatives.parquet"),
        permutations=of_studied_runs("<results>/analyses/sensitivity/{method}/{seed}_permutations.parquet"),
        gates=of_studied_runs("<results>/analyses/sensitivity/{method}/{seed}_gates.parquet"),
        days="<results>/analyses/days.parquet",
    output:
        markdown="<results>/reports/sensitivity.md",
    log:
        "<logs>/write_sensitivity.log",
    benchmark:
        "<benchmarks>/write_sensitivity.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "runs", "baselines"),
        code=code("workflow.scripts.reports.write_sensitivity"),
    shell:
        "python -m workflow.scripts.reports.write_sensitivity --settings {params.settings:q}"
        " --derivatives {input.derivatives} --permutations {input.permutations} --gates {input.gates}"
        " --days {input.days} --markdown {output.markdown} 2>&1 | tee {log}"
