"""How a training goes and where it ends: convergence, the tangent kernel, GradNorm, flatness."""


rule trace_training:
    """Set the histories of the main run, and of the runs that GradNorm is studied on, side by side."""
    input:
        histories=[
            f"<results>/training/{run}/{seed}/{phase}_history.parquet"
            for run in TRACED
            for phase in PHASES
            for seed in METHODS[f"{run}.{phase}"]
        ],
    output:
        epochs="<results>/training/epochs.parquet",
        steps="<results>/training/steps.parquet",
    log:
        "<logs>/trace_training.log",
    benchmark:
        "<benchmarks>/trace_training.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings(),
        code=code("ivyspt.stages.trace_training"),
    shell:
        "python -m ivyspt trace_training --settings {params.settings:q} --histories {input.histories}"
        " --epochs {output.epochs} --steps {output.steps} 2>&1 | tee {log}"


rule measure_tangent_kernel:
    """Spectrum of a run's neural tangent kernel at its first weights, on a share of the training surfaces.

    The trained weights say how much of the loss that it predicts to stay did stay.
    """
    input:
        weights="<results>/training/{run}/{seed}/pretrain.safetensors",
        points="<results>/surfaces/points.parquet",
        market_features="<results>/surfaces/market_features.parquet",
        split="<results>/surfaces/split.parquet",
        clusters="<results>/masks/clusters.parquet",
    output:
        summary="<results>/tangent_kernel/{run}/{seed}/summary.parquet",
        eigenvalues="<results>/tangent_kernel/{run}/{seed}/eigenvalues.parquet",
        descent="<results>/tangent_kernel/{run}/{seed}/descent.parquet",
    log:
        "<logs>/measure_tangent_kernel/{run}_{seed}.log",
    benchmark:
        "<benchmarks>/measure_tangent_kernel/{run}_{seed}.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=60,
    params:
        settings=settings("analyses.tangent_kernel", "masking", "training"),
        code=code("ivyspt.stages.measure_tangent_kernel"),
    shell:
        "python -m ivyspt measure_tangent_kernel --settings {params.settings:q} --weights {input.weights} --points {input.points}"
        " --market-features {input.market_features} --split {input.split} --clusters {input.clusters}"
        " --run {wildcards.run} --seed {wildcards.seed} --summary {output.summary}"
        " --eigenvalues {output.eigenvalues} --descent {output.descent} 2>&1 | tee {log}"


rule measure_flatness:
    """Gradients, Hessian spectra and slices of the losses on validation surfaces, where a training starts or ends."""
    input:
        weights=lambda wildcards: f"<results>/training/{{run}}/{{seed}}/{phase_of(wildcards.state)}.safetensors",
        history=lambda wildcards: f"<results>/training/{{run}}/{{seed}}/{phase_of(wildcards.state)}_history.parquet",
        points="<results>/surfaces/points.parquet",
        market_features="<results>/surfaces/market_features.parquet",
        split="<results>/surfaces/split.parquet",
        clusters="<results>/masks/clusters.parquet",
    output:
        summary="<results>/flatness/{run}/{seed}/{state}_summary.parquet",
        magnitudes="<results>/flatness/{run}/{seed}/{state}_magnitudes.parquet",
        eigenvalues="<results>/flatness/{run}/{seed}/{state}_eigenvalues.parquet",
        slices="<results>/flatness/{run}/{seed}/{state}_slices.parquet",
    log:
        "<logs>/measure_flatness/{run}_{seed}_{state}.log",
    benchmark:
        "<benchmarks>/measure_flatness/{run}_{seed}_{state}.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(6000),
        runtime=60,
    params:
        settings=settings("analyses.flatness", "losses", "masking", "training"),
        code=code("ivyspt.stages.measure_flatness"),
    shell:
        "python -m ivyspt measure_flatness --settings {params.settings:q} --weights {input.weights}"
        " --history {input.history} --points {input.points} --market-features {input.market_features}"
        " --split {input.split} --clusters {input.clusters} --run {wildcards.run} --seed {wildcards.seed}"
        " --state {wildcards.state} --summary {output.summary} --magnitudes {output.magnitudes}"
        " --eigenvalues {output.eigenvalues} --slices {output.slices} 2>&1 | tee {log}"


rule plot_tangent_kernel:
    """Eigenvalues of the tangent kernel, and the descent that they predict beside the one seen."""
    input:
        style="workflow/scripts/paper.mplstyle",
        summary=of_tangent_kernels("summary"),
        eigenvalues=of_tangent_kernels("eigenvalues"),
        descent=of_tangent_kernels("descent"),
    output:
        pdf="<figures>/tangent_kernel.pdf",
        png=report(
            "<figures>/tangent_kernel.png",
            caption="../report/figures/tangent_kernel.rst",
            category="Figures",
            labels={"figure": "tangent kernel"},
        ),
    log:
        "<logs>/plot_tangent_kernel.log",
    benchmark:
        "<benchmarks>/plot_tangent_kernel.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "runs"),
        code=code("workflow.scripts.figures.plot_tangent_kernel"),
    shell:
        "python -m workflow.scripts.figures.plot_tangent_kernel --settings {params.settings:q} --style {input.style}"
        " --summary {input.summary} --eigenvalues {input.eigenvalues} --descent {input.descent}"
        " --pdf {output.pdf} --png {output.png} 2>&1 | tee {log}"


rule plot_gradnorm:
    """Weights and gradient norms of the losses at every step under GradNorm, and validation losses beside fixed weights."""
    input:
        style="workflow/scripts/paper.mplstyle",
        steps="<results>/training/steps.parquet",
        epochs="<results>/training/epochs.parquet",
    output:
        pdf="<figures>/gradnorm.pdf",
        png=report(
            "<figures>/gradnorm.png",
            caption="../report/figures/gradnorm.rst",
            category="Figures",
            labels={"figure": "gradnorm"},
        ),
    log:
        "<logs>/plot_gradnorm.log",
    benchmark:
        "<benchmarks>/plot_gradnorm.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "runs", "analyses.gradnorm"),
        code=code("workflow.scripts.figures.plot_gradnorm"),
    shell:
        "python -m workflow.scripts.figures.plot_gradnorm --settings {params.settings:q} --style {input.style}"
        " --steps {input.steps} --epochs {input.epochs} --pdf {output.pdf} --png {output.png} 2>&1 | tee {log}"


rule plot_flatness:
    """Gradients, Hessian spectra and slices of the losses, where training starts and where it ends."""
    input:
        style="workflow/scripts/paper.mplstyle",
        magnitudes=of_flatness("magnitudes"),
        eigenvalues=of_flatness("eigenvalues"),
        slices=of_flatness("slices"),
    output:
        pdf="<figures>/flatness.pdf",
        png=report(
            "<figures>/flatness.png",
            caption="../report/figures/flatness.rst",
            category="Figures",
            labels={"figure": "flatness"},
        ),
    log:
        "<logs>/plot_flatness.log",
    benchmark:
        "<benchmarks>/plot_flatness.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "analyses.flatness"),
        code=code("workflow.scripts.figures.plot_flatness"),
    shell:
        "python -m workflow.scripts.figures.plot_flatness --settings {params.settings:q} --style {input.style}"
        " --magnitudes {input.magnitudes} --eigenvalues {input.eigenvalues} --slices {input.slices}"
        " --pdf {output.pdf} --png {output.png} 2>&1 | tee {log}"


rule tabulate_convergence:
    """Three losses, train and validation, in the first and the last epoch of each phase."""
    input:
        epochs="<results>/training/epochs.parquet",
    output:
        tex="<results>/tables/convergence.tex",
    log:
        "<logs>/tabulate_convergence.log",
    benchmark:
        "<benchmarks>/tabulate_convergence.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "split", "runs"),
        code=code("workflow.scripts.tables.tabulate_convergence"),
    shell:
        "python -m workflow.scripts.tables.tabulate_convergence --settings {params.settings:q}"
        " --epochs {input.epochs} --tex {output.tex} 2>&1 | tee {log}"


rule tabulate_tangent_kernel:
    """Numbers of the tangent kernel's spectrum, and what they say of the training seen."""
    input:
        summary=of_tangent_kernels("summary"),
    output:
        tex="<results>/tables/tangent_kernel.tex",
    log:
        "<logs>/tabulate_tangent_kernel.log",
    benchmark:
        "<benchmarks>/tabulate_tangent_kernel.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "split", "runs", "analyses.tangent_kernel"),
        code=code("workflow.scripts.tables.tabulate_tangent_kernel"),
    shell:
        "python -m workflow.scripts.tables.tabulate_tangent_kernel --settings {params.settings:q}"
        " --summary {input.summary} --tex {output.tex} 2>&1 | tee {log}"


rule tabulate_gradnorm:
    """Weights and gradient norms of the losses under GradNorm, and validation losses beside fixed weights."""
    input:
        steps="<results>/training/steps.parquet",
        epochs="<results>/training/epochs.parquet",
    output:
        tex="<results>/tables/gradnorm.tex",
    log:
        "<logs>/tabulate_gradnorm.log",
    benchmark:
        "<benchmarks>/tabulate_gradnorm.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "split", "runs", "analyses.gradnorm"),
        code=code("workflow.scripts.tables.tabulate_gradnorm"),
    shell:
        "python -m workflow.scripts.tables.tabulate_gradnorm --settings {params.settings:q}"
        " --steps {input.steps} --epochs {input.epochs} --tex {output.tex} 2>&1 | tee {log}"


rule tabulate_flatness:
    """Gradients and extreme eigenvalues of each loss where training starts and ends, and what they mean."""
    input:
        summary=of_flatness("summary"),
    output:
        tex="<results>/tables/flatness.tex",
    log:
        "<logs>/tabulate_flatness.log",
    benchmark:
        "<benchmarks>/tabulate_flatness.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=5,
    params:
        settings=settings("data", "split", "analyses.flatness"),
        code=code("workflow.scripts.tables.tabulate_flatness"),
    shell:
        "python -m workflow.scripts.tables.tabulate_flatness --settings {params.settings:q}"
        " --summary {input.summary} --tex {output.tex} 2>&1 | tee {log}"
