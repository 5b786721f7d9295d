"""Kinds of projects, each recognised by its files."""
