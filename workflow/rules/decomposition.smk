"""Where each loss comes from."""


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
