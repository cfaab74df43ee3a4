"""HTML pages: frame, theme, embedded pictures."""
