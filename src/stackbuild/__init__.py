"""Container images as build targets.

import stackbuild

with stackbuild.Workspace.open(".") as workspace:
    for built in workspace.build("//app:img"):
        print(built.address, built.as_json(workspace.root)["digest"])
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing takes longer to import than to see that nothing changed
if TYPE_CHECKING:
    from typing import Any

    from .api import Workspace
    from .errors import StackbuildError

__version__ = "0.1.0"
__all__ = ["StackbuildError", "Workspace", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "Workspace":
        from .api import Workspace

        return Workspace
    if name == "StackbuildError":
        from .errors import StackbuildError

        return StackbuildError
    raise AttributeError(name)
