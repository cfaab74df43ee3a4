"""Training: data in, run folder out."""
