"""Several effects per study: covariances, multilevel models, robust variance, aggregation."""
