"""Ours against reference numbers of other programs, quantity by quantity.

`reference` reads a file as a tree, `ledger` keeps what was compared, `declared` says which leaves
are labels and which differ by definition; one comparer module per section of the files.
"""
