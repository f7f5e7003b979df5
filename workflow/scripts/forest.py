"""Draw the forest plot of one analysis."""

from trialpool import logs, tables
from trialpool.figures import forest, style

logs.start(snakemake.log[0])
model = tables.read_json(snakemake.input.model)
names = ("studies", "missing", "risk_of_bias")
studies, missing, risk_of_bias = (tables.read_table(snakemake.input[name]) for name in names)
table = forest.rows(studies, model, missing, risk_of_bias)
style.save(forest.draw(table), snakemake.output)
