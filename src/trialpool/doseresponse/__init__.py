"""Dose-response meta-analysis: a curve over doses from trials with several dose levels."""
