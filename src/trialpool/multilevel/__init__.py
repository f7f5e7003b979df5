"""Models of dependent effects: several levels, several outcomes, several times."""
