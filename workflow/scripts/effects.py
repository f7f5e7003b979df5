"""Compute the effects that the analyses of a condition may choose from."""

from trialpool import logs, tables
from trialpool.review.comparisons import build_effects
from trialpool.review.records import Records
from trialpool.review.settings import Defaults

logs.start(snakemake.log[0])
names = ("trials", "arms", "records", "flags")
records = Records(*(tables.read_table(snakemake.input[name]) for name in names))
defaults = Defaults.model_validate(snakemake.params.defaults)
effects = build_effects(records, snakemake.params.measures, defaults, snakemake.params.changes)
tables.write_table(snakemake.output.effects, effects)
