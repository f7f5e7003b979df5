"""What every table of a review holds, declared once: raw tables and result tables."""
