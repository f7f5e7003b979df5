"""Workbooks: one sheet per raw table, with the code book's columns."""
