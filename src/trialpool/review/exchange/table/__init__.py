"""Wide sheets as reviews publish them: one row a study, both arms or an effect."""
