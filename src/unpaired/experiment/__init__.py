"""Experiments: the configuration tree of one training, its checks, and automatic settings."""
