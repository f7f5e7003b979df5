"""Draw every figure of one analysis."""

from pathlib import Path

from trialpool import logs, tables
from trialpool.figures import sheets, style

logs.start(snakemake.log[0])
paths = [*snakemake.input.tables, snakemake.input.risk_of_bias]
held = {Path(path).stem: tables.read_table(path) for path in paths}
for name, figure in sheets.draw_all(tables.read_json(snakemake.input.model), held):
    style.save(figure, [path for path in snakemake.output if Path(path).stem == name])
