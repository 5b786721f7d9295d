"""`python -m stackbuild`."""

from .cli.main import run

run()
