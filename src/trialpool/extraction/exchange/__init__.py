"""Import from and export to the formats of other tools: one module per format."""
