"""Dockerfiles, read and translated; nothing of them is run."""

from .context import Context
from .translate import Translation, translate
from .trouble import Note

__all__ = ["Context", "Note", "Translation", "translate"]
