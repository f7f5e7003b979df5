"""The Metapsy data standard (docs.metapsy.org/data-preparation/format): import and export."""
