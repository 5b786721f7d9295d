"""Differences of two images: layers, files, configuration, packages, and the bytes to pull."""
