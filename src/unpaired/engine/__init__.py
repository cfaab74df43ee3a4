"""Training engine: the loop, its state, checkpoints and optimisers."""
