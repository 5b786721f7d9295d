"""The console script, and `python -m stackbuild`."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn


def run() -> NoReturn:
    """Run the command line and exit with its status."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115  closed with the process
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    gc.disable()  # nothing that is made while all is loaded goes away again
    try:
        from .again.ask import answered

        status = answered(sys.argv[1:])
        if status is None:
            from .again.ahead import look_ahead

            look_ahead(sys.argv[1:])
            from .cli.main import main

            status = main()
    except KeyboardInterrupt:
        status = 130
    if status == 0 or status >= 128:
        # All is done, and to take everything apart would take a while; or threads may be deep in a long read:
        # nothing half done counts, so nobody waits for them.
        try:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        except OSError:
            sys.exit(status)  # which says so
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    run()
