"""`files`: a layer of files from the tree."""

from .fields import FilesFields
from .type import FilesType

__all__ = ["FilesFields", "FilesType"]
