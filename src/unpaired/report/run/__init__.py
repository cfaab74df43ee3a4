"""Run report: the page of one run."""
