"""The ecosystem `wheel`."""

from .type import Wheel as Wheel
