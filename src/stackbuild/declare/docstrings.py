"""What the docstrings of a model's fields say, read when asked for: pydantic would at each start."""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import textwrap
from typing import Any

from pydantic import BaseModel


@functools.cache
def document(model: type[BaseModel]) -> None:
    """Give the fields of a model, and of the models in it, their docstrings as descriptions."""
    for name, field in model.model_fields.items():
        for inner in arguments(field.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                document(inner)
        if field.description is None:
            field.description = _doc(model, name)
    model.model_rebuild(force=True)


def arguments(annotation: Any) -> list[Any]:
    """An annotation, and all that it is made of."""
    inner = getattr(annotation, "__args__", ())
    return [annotation, *(item for arg in inner for item in arguments(arg))]


def _doc(model: type[BaseModel], name: str) -> str | None:
    """What stands under a field, in the class that declares it."""
    owner = next((base for base in model.__mro__ if name in inspect.get_annotations(base)), model)
    return _docs(owner).get(name)


@functools.cache
def _docs(model: type) -> dict[str, str]:
    """field -> docstring, of the fields that a class declares itself; none where there is no source."""
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    except (OSError, TypeError, SyntaxError):
        return {}
    assert isinstance(tree, ast.ClassDef)
    return {
        field.target.id: inspect.cleandoc(doc.value.value)
        for field, doc in itertools.pairwise(tree.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(doc, ast.Expr)
        and isinstance(doc.value, ast.Constant)
        and isinstance(doc.value.value, str)
    }
