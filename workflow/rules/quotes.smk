"""A vendor's files to the points of all surfaces."""

if READING_STAGES == ["read_surfaces"]:

    rule read_surfaces:
        """Read a vendor's table of surfaces; count what was dropped, by reason."""
        input:
            vendor_files(STUDY["data"]["data_dir"]),
        output:
            all_points="<results>/surfaces/all_points.parquet",
            rejections="<results>/quotes/rejections.parquet",
        log:
            "<logs>/read_surfaces.log",
        benchmark:
            "<benchmarks>/read_surfaces.tsv"
        conda:
            "../../envs/ivyspt.yaml"
        threads: 1
        resources:
            mem_mb=grows(2000),
            runtime=10,
        params:
            settings=settings("data", "surfaces"),
            code=code("ivyspt.stages.read_surfaces"),
        shell:
            "python -m ivyspt read_surfaces --settings {params.settings:q}"
            " --all-points {output.all_points} --rejections {output.rejections} 2>&1 | tee {log}"

else:

    rule read_quotes:
        """Read a vendor's files into the canonical table of quotes; count unusable rows, by reason."""
        input:
            vendor_files(STUDY["data"]["data_dir"]),
        output:
            quotes="<results>/quotes/quotes.parquet",
            dropped_rows="<results>/quotes/dropped_rows.parquet",
        log:
            "<logs>/read_quotes.log",
        benchmark:
            "<benchmarks>/read_quotes.tsv"
        conda:
            "../../envs/ivyspt.yaml"
        threads: 2  # of polars; the tables are the same bytes with one
        resources:
            mem_mb=grows(8000),
            runtime=30,
        params:
            settings=settings("data"),
            code=code("ivyspt.stages.read_quotes"),
        shell:
            "POLARS_MAX_THREADS={threads} python -m ivyspt read_quotes --settings {params.settings:q}"
            " --quotes {output.quotes} --dropped-rows {output.dropped_rows} 2>&1 | tee {log}"

    rule build_surfaces:
        """Imply forwards and vols from quotes; filter, and count what was dropped, by reason."""
        input:
            vendor_files(*(STUDY["surfaces"]["forwards"].get(key) for key in RATE_AND_DIVIDEND_KEYS)),
            quotes="<results>/quotes/quotes.parquet",
        output:
            all_points="<results>/surfaces/all_points.parquet",
            slices="<results>/surfaces/slices.parquet",
            rejections="<results>/quotes/rejections.parquet",
        log:
            "<logs>/build_surfaces.log",
        benchmark:
            "<benchmarks>/build_surfaces.tsv"
        conda:
            "../../envs/ivyspt.yaml"
        threads: 2  # of polars; the tables are the same bytes with one
        resources:
            mem_mb=grows(8000),
            runtime=120,
        params:
            settings=settings("surfaces"),
            code=code("ivyspt.stages.build_surfaces"),
        shell:
            "POLARS_MAX_THREADS={threads} python -m ivyspt build_surfaces --settings {params.settings:q} --quotes {input.quotes}"
            " --all-points {output.all_points} --slices {output.slices} --rejections {output.rejections} 2>&1 | tee {log}"
