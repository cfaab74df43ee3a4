"""Evaluation: a model, or image files, measured by the metrics."""
