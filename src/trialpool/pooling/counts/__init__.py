"""Pooled effects straight from counts: closed forms and generalised linear mixed models."""
