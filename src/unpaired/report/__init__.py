"""Reports: pages of numbers and pictures that need no network; never imports torch."""
