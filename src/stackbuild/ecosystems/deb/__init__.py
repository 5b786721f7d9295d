"""The ecosystem `deb`."""

from .type import Deb as Deb
