"""Image data: sources, splits, decoding, framing, batches."""
