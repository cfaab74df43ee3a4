"""Inference: a trained model applied to images, files and noise."""
