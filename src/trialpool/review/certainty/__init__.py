"""How certain the evidence is (GRADE): proposals by written rules, and people's decisions."""
