"""Command-line flags: from text to settings."""
