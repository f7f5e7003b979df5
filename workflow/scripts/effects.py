"""Compute the effects that the analyses of a condition may choose from, under all choices."""

from trialpool import logs
from trialpool import words as w
from trialpool.review.effects.account import not_asked
from trialpool.review.effects.comparisons import build_effects
from trialpool.review.effects.records import Records, marked
from trialpool.review.effects.universes import build_universes
from trialpool.review.protocol.settings import Defaults, MultiverseSpec
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0], snakemake.output)
names = ("trials", "arms", "records")
added = columns_of(snakemake.params.columns)
parts = (files.read(snakemake.input[name], added) for name in names)
records = Records(*parts, marked(snakemake.params.marks))
defaults = Defaults.model_validate(snakemake.params.defaults)
measures, changes = snakemake.params.measures, snakemake.params.changes
effects = build_effects(records, measures, defaults, changes)
files.write(snakemake.output.effects, effects)
files.write(snakemake.output.not_asked, not_asked(records, effects, measures))
multiverses = [MultiverseSpec.model_validate(each) for each in snakemake.params.multiverses]
universes = build_universes(records, measures, defaults, multiverses, changes)
files.write(snakemake.output.universes, universes)
trials = w.count(effects["trial_id"].nunique(), "trial")
logs.done(f"{snakemake.wildcards.condition}: {w.count(len(effects), 'effect')} of {trials}")
