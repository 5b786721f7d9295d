"""The content-addressed folder of blobs and records on this machine; knows nothing of targets."""

from .store import Store, default_path

__all__ = ["Store", "default_path"]
