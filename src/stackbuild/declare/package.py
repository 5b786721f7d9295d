"""A package of targets: what one folder's BUILD.toml declares, with the defaults that reach it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from .. import witness
from ..errors import Position, RequestError, nearest
from ..frozen import frozen
from ..trace import span
from .address import Address, check_name
from .fields import Choice, Fields, Model
from .toml import Document, Key
from .validate import validated
from .workspace import BUILD_FILE, Workspace

Models = Mapping[str, Model]


@frozen
class Declaration:
    """One target as written. fields: checked and with defaults; places: field -> (document, key prefix)."""

    address: Address
    type_name: str
    fields: Fields
    document: Document
    places: Mapping[str, tuple[Document, Key]] = field(compare=False)

    def position(self, key: Key = (), *, of_key: bool = False) -> Position:
        """Where a field's value stands: in this target's table, or in the defaults it came from."""
        if key and key[0] in self.places:
            document, prefix = self.places[str(key[0])]
            return document.position((*prefix, *key), of_key=of_key)
        return self.document.position((self.type_name, self.address.name), of_key=of_key)

    def references(self) -> Iterator[tuple[Key, Address]]:
        """Every address that a field holds, with the key path at which it stands."""
        for name in type(self.fields).model_fields:
            value = getattr(self.fields, name)
            if value and type(value) is not str:
                yield from _addresses(value, (name,))


def _addresses(value: Any, path: Key) -> Iterator[tuple[Key, Address]]:
    if isinstance(value, Address):
        yield path, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _addresses(item, (*path, name))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _addresses(item, (*path, number))
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _addresses(getattr(value, name), (*path, name))


@dataclass
class Package:
    """What a folder declares, and what is wrong with it."""

    folder: str
    declarations: dict[str, Declaration] = field(default_factory=dict)
    faults: list[RequestError] = field(default_factory=list)
    readable: bool = True
    """Whether the file could be read at all; else nobody knows what it declares."""
    names: set[str] = field(default_factory=set)
    """Every name that stands in the file, sound or not, so that one fault does not cause more."""


class Packages:
    """Loads packages of a workspace, each file once. models: target type -> model of its fields."""

    def __init__(self, workspace: Workspace, models: Models) -> None:
        self.workspace, self.models = workspace, models
        self._documents: dict[str, Document | RequestError | None] = {"": workspace.document}
        self._packages: dict[str, Package | None] = {}

    def load(self, folder: str) -> Package | None:
        """The package of a folder, or None when it has no BUILD.toml."""
        if folder not in self._packages:
            with span("load", folder=folder):
                self._packages[folder] = self._load(folder)
        return self._packages[folder]

    def files(self) -> list[str]:
        """The BUILD.toml files that were read so far, by path relative to the workspace."""
        there = [folder for folder, document in self._documents.items() if document is not None]
        return [f"{folder}/{BUILD_FILE}".lstrip("/") for folder in there]

    def is_folder(self, folder: str) -> bool:
        """Whether the workspace has a folder."""
        return witness.is_folder(self.workspace.root / folder)

    def document(self, folder: str) -> Document | RequestError | None:
        """The BUILD.toml of a folder, or what is wrong with it; None when there is none."""
        if folder not in self._documents:
            path = f"{folder}/{BUILD_FILE}"
            file = f"{self.workspace.root}/{path}"
            try:
                self._documents[folder] = Document.read(file, path) if witness.is_file(file) else None
            except RequestError as error:
                self._documents[folder] = error
        return self._documents[folder]

    def _load(self, folder: str) -> Package | None:
        document = self.document(folder)
        if document is None:
            return None
        package = Package(folder)
        if fault := self._misplaced(folder) or (document if isinstance(document, RequestError) else None):
            package.faults.append(fault)
            package.readable = False
            return package
        assert isinstance(document, Document)
        defaults = self._defaults(folder, package.faults)
        for type_name, tables in document.data.items():
            if type_name == "defaults" or (type_name == "workspace" and not folder):
                continue
            if fault := self._type_fault(document, type_name, tables):
                package.faults.append(fault)
                package.names.update(tables if isinstance(tables, dict) else ())
                continue
            for name, table in tables.items():
                if isinstance(table, dict):
                    self._declare(package, document, type_name, name, table, defaults.get(type_name, {}))
                    continue
                where = document.position((type_name, name), of_key=True)
                what, hint = f"'{type_name}.{name}' should be a table", f"write [{type_name}.{name}]"
                package.faults.append(RequestError(what, where=where, hint=hint))
                package.names.add(name)
        return package

    def _misplaced(self, folder: str) -> RequestError | None:
        """A fault when the folder is no package of this workspace under this name."""
        parts = folder.split("/") if folder else []
        above = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
        for path in above:
            if witness.is_symlink(f"{self.workspace.root}/{path}"):
                real = (self.workspace.root / path).resolve()
                inside = real.is_relative_to(self.workspace.root)
                hint = (
                    f"say //{real.relative_to(self.workspace.root)}"
                    if inside
                    else "move it into the workspace"
                )
                return RequestError(f"//{path} is a symlink to a folder, not a package", hint=hint)
        for path in above[:-1]:
            document = self.document(path)
            if isinstance(document, Document) and "workspace" in document.data:
                return RequestError(
                    f"//{folder} belongs to the workspace in //{path}", hint="build it from there"
                )
        return None

    def _type_fault(self, document: Document, type_name: str, tables: Any) -> RequestError | None:
        def where() -> Position:
            return document.position((type_name,), of_key=True)

        if type_name == "workspace":
            return RequestError(
                "[workspace] belongs in the workspace's root BUILD.toml",
                where=where(),
                hint="move the table there",
            )
        if type_name not in self.models:
            return RequestError(
                f"unknown target type '{type_name}'", where=where(), hint=nearest(type_name, self.models)
            )
        if not isinstance(tables, dict) or not any(isinstance(table, dict) for table in tables.values()):
            return RequestError(
                f"'{type_name}' should hold tables of targets",
                where=where(),
                hint=f"write [{type_name}.NAME]",
            )
        return None

    def _declare(
        self,
        package: Package,
        document: Document,
        type_name: str,
        name: str,
        table: dict[str, Any],
        defaults: Mapping[str, tuple[Any, Document, str]],
    ) -> None:
        prefix: Key = (type_name, name)
        try:
            address = Address(package.folder, check_name(name))
        except ValueError as error:
            package.faults.append(RequestError(str(error), where=document.position(prefix, of_key=True)))
            return
        if name in package.names:
            package.faults.append(
                RequestError(
                    f"a second target is called '{name}' in this folder",
                    where=document.position(prefix, of_key=True),
                    hint="names are unique in a folder",
                )
            )
            return
        package.names.add(name)
        what, chosen = f"{type_name} '{name}'", self.models[type_name]
        if isinstance(chosen, Choice):
            default = defaults[chosen.field][0] if chosen.field in defaults else None
            value = table.get(chosen.field, default)
            if not isinstance(value, str) or value not in chosen.models:
                package.faults.append(_unchosen(chosen, value, table, document, prefix, what))
                return
            model = chosen.models[value]
            defaults = {field: item for field, item in defaults.items() if field in model.model_fields}
        else:
            model = chosen
        data = {field: value for field, (value, _, _) in defaults.items()} | table
        places: dict[str, tuple[Document, Key]] = {
            field: (source, ("defaults", type_name)) for field, (_, source, _) in defaults.items()
        } | dict.fromkeys(table, (document, prefix))
        folders = {field: at for field, (_, _, at) in defaults.items() if field not in table}

        def locate(path: Key, of_key: bool) -> Position:
            if not path:
                return document.position(prefix, of_key=True)
            source, start = places[str(path[0])]
            return source.position((*start, *path), of_key=of_key)

        context = {"folder": package.folder, "folders": folders}
        fields, faults = validated(model, data, locate, what, context)
        package.faults += [fault for _, fault in faults]
        if fields is None:  # what is sound of it is looked at all the same, so that all faults are found
            wrong = {key[0] for key, _ in faults if key}
            sound = {field: value for field, value in data.items() if field not in wrong}
            fields, _ = validated(model, sound, locate, what, context)
        if fields is not None:
            package.declarations[name] = Declaration(address, type_name, fields, document, places)

    def _defaults(
        self, folder: str, faults: list[RequestError]
    ) -> dict[str, dict[str, tuple[Any, Document, str]]]:
        """type -> field -> (value, document, folder) from the root down; the nearest wins, field by field."""
        merged: dict[str, dict[str, tuple[Any, Document, str]]] = {}
        parts = folder.split("/") if folder else []
        for depth in range(len(parts) + 1):
            at = "/".join(parts[:depth])
            document = self.document(at)
            if isinstance(document, RequestError):
                if at != folder:
                    faults.append(document)
                continue
            if document is None or "defaults" not in document.data:
                continue
            for type_name, fields in self._checked_defaults(document, faults):
                for name, value in fields.items():
                    merged.setdefault(type_name, {})[name] = (value, document, at)
        return merged

    def _checked_defaults(
        self, document: Document, faults: list[RequestError]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        tables = document.data["defaults"]
        if not isinstance(tables, dict):
            faults.append(
                RequestError(
                    "'defaults' should hold a table for each target type",
                    where=document.position(("defaults",)),
                    hint="write [defaults.TYPE]",
                )
            )
            return
        for type_name, fields in tables.items():
            if type_name not in self.models:
                faults.append(
                    RequestError(
                        f"unknown target type '{type_name}'",
                        where=document.position(("defaults", type_name), of_key=True),
                        hint=nearest(type_name, self.models),
                    )
                )
            elif not isinstance(fields, dict):
                faults.append(
                    RequestError(
                        f"'defaults.{type_name}' should be a table",
                        where=document.position(("defaults", type_name), of_key=True),
                        hint=f"write [defaults.{type_name}]",
                    )
                )
            else:
                model = self.models[type_name]
                known = model.known() if isinstance(model, Choice) else list(model.model_fields)
                for name in fields:
                    if name not in known:
                        place = document.position(("defaults", type_name, name), of_key=True)
                        faults.append(
                            RequestError(
                                f"[defaults.{type_name}] has no field '{name}'",
                                where=place,
                                hint=nearest(name, known),
                            )
                        )
                yield type_name, {name: value for name, value in fields.items() if name in known}


def _unchosen(
    chosen: Choice, value: Any, table: Mapping[str, Any], document: Document, prefix: Key, what: str
) -> RequestError:
    """Why no model can be chosen for a table."""
    name = chosen.field
    if value is None:
        hint = f"add {name} = …; {nearest('', chosen.models)}"
        return RequestError(
            f"{what} lacks the field '{name}'", where=document.position(prefix, of_key=True), hint=hint
        )
    where = document.position((*prefix, name)) if name in table else document.position(prefix, of_key=True)
    if not isinstance(value, str):
        return RequestError(f"{name}: should be a string", where=where)
    return RequestError(f"{name}: '{value}' is not known", where=where, hint=nearest(value, chosen.models))
