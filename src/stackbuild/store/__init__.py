"""The content-addressed folder of blobs and records on this machine; knows nothing of targets."""

from .blobs import is_damage
from .store import Store, default_path

__all__ = ["Store", "default_path", "is_damage"]
