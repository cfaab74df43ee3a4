"""Model folders: the weights, settings and card that a training leaves to share."""
