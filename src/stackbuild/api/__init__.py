"""The public Python API: what the command line does, in one class."""

from .request import Request
from .workspace import Loaded, Workspace

__all__ = ["Loaded", "Request", "Workspace"]
