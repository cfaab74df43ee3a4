"""Plots as inline SVG, and image grids."""
