"""Sweeps: every combination of some settings' values, each with several seeds, run after run."""
