"""From the records of a trial to its effects."""
