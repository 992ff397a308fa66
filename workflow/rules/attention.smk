"""What the trained model looks at."""


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
