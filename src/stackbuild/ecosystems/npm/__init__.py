"""The ecosystem `npm`."""

from .type import Npm as Npm
