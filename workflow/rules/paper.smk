"""The paper of a study, where there is a TeX to compile it."""


rule compile_paper:
    """The study as a short paper: its numbers, tables and figures, and no others."""
    input:
        tex="workflow/paper/paper.tex",
        references="workflow/paper/references.bib",
        numbers="<results>/numbers.tex",
        tables=expand("<results>/tables/{table}.tex", table=PAPER_TABLES),
        figures=expand("<figures>/{figure}.pdf", figure=PAPER_FIGURES),
    output:
        pdf=report(
            "<results>/paper.pdf",
            caption="../report/paper.rst",
            category="Paper",
            labels={"paper": "paper"},
        ),
    log:
        "<logs>/compile_paper.log",
    benchmark:
        "<benchmarks>/compile_paper.tsv"
    conda:
        "../../envs/ivyspt.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        results=STUDY["results"],
        figures=STUDY["figures"],
    shell:
        "workflow/paper/compile.sh {input.tex} {params.results} {params.figures} {output.pdf} 2>&1 | tee {log}"
