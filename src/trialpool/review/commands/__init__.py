"""The commands of `trialpool`: one module each, with arguments(parser) and run(options)."""
