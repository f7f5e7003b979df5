"""Questions beyond one number: time, dose, networks."""
