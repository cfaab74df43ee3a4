"""Metrics: pure functions of features or pixels; no networks, no files."""
