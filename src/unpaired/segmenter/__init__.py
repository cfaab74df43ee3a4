"""Semantic segmenter for the FCN-score: networks, folder, score."""
