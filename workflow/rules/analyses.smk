"""Studies of the trained model and of the methods: stress, sensitivity, decomposition of the losses, attention."""


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


rule decompose_losses:
    """Take the three losses of the model's and the baselines' test surfaces apart."""
    input:
        predictions=of_methods("<results>/predictions/{method}/{seed}.parquet", "baselines", "finetune"),
        split="<results>/surfaces/split.parquet",
    output:
        losses="<results>/analyses/losses.parquet",
    log:
        "<logs>/decompose_losses.log",
    benchmark:
        "<benchmarks>/decompose_losses.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=30,
    params:
        settings=settings("evaluation"),
        code=code("ivyspt.stages.decompose_losses"),
    shell:
        "python -m ivyspt decompose_losses --settings {params.settings:q} --predictions {input.predictions}"
        " --split {input.split} --losses {output.losses} 2>&1 | tee {log}"


rule map_attention:
    """Read out what the last block of a model attends to."""
    input:
        weights="<results>/training/{run}/{seed}/{phase}.safetensors",
        points="<results>/surfaces/points.parquet",
        market_features="<results>/surfaces/market_features.parquet",
        split="<results>/surfaces/split.parquet",
        masks="<results>/masks/evaluation.parquet",
    output:
        maps="<results>/analyses/attention/{run}.{phase}/{seed}_maps.parquet",
        summary="<results>/analyses/attention/{run}.{phase}/{seed}_summary.parquet",
    log:
        "<logs>/map_attention/{run}.{phase}_{seed}.log",
    benchmark:
        "<benchmarks>/map_attention/{run}.{phase}_{seed}.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=30,
    params:
        settings=analysis_settings("masks", "attention"),
        code=code("ivyspt.stages.map_attention"),
    shell:
        "python -m ivyspt map_attention --settings {params.settings:q} --weights {input.weights}"
        " --points {input.points} --market-features {input.market_features} --split {input.split}"
        " --masks {input.masks} --run {wildcards.run}.{wildcards.phase} --phase {wildcards.phase} --seed {wildcards.seed}"
        " --maps {output.maps} --summary {output.summary} 2>&1 | tee {log}"


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


rule plot_decomposition:
    """Distributions of the three losses on a tier, by period and by mask."""
    input:
        style="workflow/scripts/paper.mplstyle",
        losses="<results>/analyses/losses.parquet",
    output:
        pdf="<figures>/decomposition_{tier}.pdf",
        png=report(
            "<figures>/decomposition_{tier}.png",
            caption="../report/figures/decomposition.rst",
            category="Figures",
            labels={"figure": "decomposition, {tier} tier"},
        ),
    log:
        "<logs>/plot_decomposition/{tier}.log",
    benchmark:
        "<benchmarks>/plot_decomposition/{tier}.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=analysis_settings("decomposition", whole=["data", "runs", "baselines", "evaluation"], own=["tier"]),
        code=code("workflow.scripts.figures.plot_decomposition"),
    shell:
        "python -m workflow.scripts.figures.plot_decomposition --settings {params.settings:q} --style {input.style}"
        " --losses {input.losses}"
        " --pdf {output.pdf} --png {output.png} 2>&1 | tee {log}"


rule plot_decomposition_buckets:
    """Distributions of the three losses by bucket of (z, tau)."""
    input:
        style="workflow/scripts/paper.mplstyle",
        losses="<results>/analyses/losses.parquet",
    output:
        pdf="<figures>/decomposition_buckets.pdf",
        png=report(
            "<figures>/decomposition_buckets.png",
            caption="../report/figures/decomposition_buckets.rst",
            category="Figures",
            labels={"figure": "decomposition_buckets"},
        ),
    log:
        "<logs>/plot_decomposition_buckets.log",
    benchmark:
        "<benchmarks>/plot_decomposition_buckets.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=analysis_settings("decomposition", whole=["data", "runs", "baselines", "evaluation"]),
        code=code("workflow.scripts.figures.plot_decomposition_buckets"),
    shell:
        "python -m workflow.scripts.figures.plot_decomposition_buckets --settings {params.settings:q} --style {input.style}"
        " --losses {input.losses}"
        " --pdf {output.pdf} --png {output.png} 2>&1 | tee {log}"


rule tabulate_decomposition:
    """Distributions of the model's three losses by period, mask and bucket."""
    input:
        losses="<results>/analyses/losses.parquet",
    output:
        tex="<results>/tables/decomposition.tex",
    log:
        "<logs>/tabulate_decomposition.log",
    benchmark:
        "<benchmarks>/tabulate_decomposition.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "split", "runs", "baselines", "evaluation"),
        code=code("workflow.scripts.tables.tabulate_decomposition"),
    shell:
        "python -m workflow.scripts.tables.tabulate_decomposition --settings {params.settings:q}"
        " --losses {input.losses} --tex {output.tex} 2>&1 | tee {log}"


rule plot_attention:
    """Attention of the last block for a few targets of a surface."""
    input:
        style="workflow/scripts/paper.mplstyle",
        maps=expand(
            "<results>/analyses/attention/{run}.{phase}/{seed}_maps.parquet",
            run=MAIN_RUN,
            phase=PHASES,
            seed=METHODS[f"{MAIN_RUN}.finetune"][:1],
        ),
    output:
        pdf="<figures>/attention_{surface}.pdf",
        png=report(
            "<figures>/attention_{surface}.png",
            caption="../report/figures/attention.rst",
            category="Figures",
            labels={"figure": "attention {surface}"},
        ),
    log:
        "<logs>/plot_attention/{surface}.log",
    benchmark:
        "<benchmarks>/plot_attention/{surface}.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=attention_settings,
        code=code("workflow.scripts.figures.plot_attention"),
    shell:
        "python -m workflow.scripts.figures.plot_attention --settings {params.settings:q} --style {input.style}"
        " --maps {input.maps}"
        " --pdf {output.pdf} --png {output.png} 2>&1 | tee {log}"


rule tabulate_attention:
    """How concentrated the last block's attention is, and on which market features it lies."""
    input:
        summaries=of_main_phases("<results>/analyses/attention/{method}/{seed}_summary.parquet"),
    output:
        tex="<results>/tables/attention.tex",
    log:
        "<logs>/tabulate_attention.log",
    benchmark:
        "<benchmarks>/tabulate_attention.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "split", "runs", "baselines"),
        code=code("workflow.scripts.tables.tabulate_attention"),
    shell:
        "python -m workflow.scripts.tables.tabulate_attention --settings {params.settings:q}"
        " --summaries {input.summaries} --tex {output.tex} 2>&1 | tee {log}"
