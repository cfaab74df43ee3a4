"""Comparison of runs: groups, tables, plots and the page."""
