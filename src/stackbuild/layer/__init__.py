"""Layers: entry -> tar -> chunk -> blob."""
