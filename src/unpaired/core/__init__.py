"""Foundations: errors, configuration, files, weights, the console; imports nothing of ours."""
