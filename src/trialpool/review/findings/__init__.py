"""What the results mean: people of 100, points of a scale, statements, and answers to claims."""
