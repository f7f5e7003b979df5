"""The commands of `trialpool`: one module each, with HELP, arguments(parser) and run(options)."""
