"""The commands of a RUN: simple ones as words, anything else as text that has no translation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from ...frozen import frozen
from .parse import shortened

if TYPE_CHECKING:
    from tree_sitter import Node

_HARMLESS = re.compile(r"\d*>+\s*(/dev/null|&\d)|\d*>&\d|&>+\s*/dev/null")
_PLAIN = ("word", "number", "command_name", "variable_name", "string_content", "raw_string", "string")
_SEQUENCES = ("program", "list", "compound_statement")


@frozen
class Command:
    """One step of a RUN. line: 0-based within the text; words: None when it is no simple command."""

    line: int
    text: str
    words: list[str] | None = None
    env: Mapping[str, str] = field(default_factory=dict)


class _Opaque(Exception):
    """Something whose value only a shell knows."""


def commands(text: str, variables: Mapping[str, str]) -> list[Command]:
    """The steps of a script, with variables put in; unknown ones make a command opaque."""
    from tree_sitter import Language, Parser
    from tree_sitter_bash import language

    root = Parser(Language(language())).parse(text.encode()).root_node
    if root.has_error:
        line = len(text[: len(text) - len(text.lstrip())].splitlines()) - 1
        return [Command(max(line, 0), shortened(text.replace("\\\n", " ")))]
    return list(_Reader(dict(variables)).steps(root))


class _Reader:
    """Walks the syntax tree in order; assignments on the way count for what follows."""

    def __init__(self, variables: dict[str, str]) -> None:
        self._known = variables

    def steps(self, node: Node) -> Iterator[Command]:
        """The commands of a node, in order."""
        if node.type in _SEQUENCES and not self._is_choice(node):
            for child in node.named_children:
                yield from self.steps(child)
        elif node.type == "list" and _text(node).endswith(("|| true", "|| :")):
            yield from self.steps(node.named_children[0])
        elif node.type == "redirected_statement" and self._is_harmless(node):
            body = node.child_by_field_name("body")
            assert body is not None
            yield from self.steps(body)
        elif node.type == "command":
            yield self._command(node)
        elif node.type in ("variable_assignment", "variable_assignments", "declaration_command"):
            try:
                self._known |= dict(self._assignments(node))
            except _Opaque:
                yield _opaque(node)
        elif node.type != "comment":
            yield _opaque(node)

    @staticmethod
    def _is_choice(node: Node) -> bool:
        return any(child.type == "||" for child in node.children)

    @staticmethod
    def _is_harmless(node: Node) -> bool:
        others = [child for child in node.named_children if child.type != "file_redirect"]
        redirects = [child for child in node.named_children if child.type == "file_redirect"]
        return len(others) == 1 and all(_HARMLESS.fullmatch(_text(item)) for item in redirects)

    def _assignments(self, node: Node) -> Iterator[tuple[str, str]]:
        if node.type == "variable_assignment":
            name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
            if name is None or "+=" in _text(node):
                raise _Opaque
            yield _text(name), "".join(self._word(value)) if value else ""
        for child in node.named_children if node.type != "variable_assignment" else ():
            yield from self._assignments(child)

    def _command(self, node: Node) -> Command:
        env: dict[str, str] = {}
        words: list[str] = []
        try:
            for child in node.named_children:
                if child.type == "variable_assignment":
                    env |= dict(self._assignments(child))
                elif child.type == "file_redirect" and _HARMLESS.fullmatch(_text(child)):
                    continue
                else:
                    words += self._word(child)
        except _Opaque:
            return _opaque(node)
        return Command(node.start_point[0], _shown(node), words, env)

    def _word(self, node: Node) -> list[str]:
        """The words that a node gives: one, but for a bare variable that holds several. Raises _Opaque."""
        text = _text(node)
        if node.type == "command_name":
            return self._word(node.named_children[0])
        if node.type in ("word", "number"):
            if re.search(r"(?<!\\)[{}]|^~", text):
                raise _Opaque
            return [re.sub(r"\\\n", "", re.sub(r"\\([^\n])", r"\1", text))]
        if node.type == "raw_string":
            return [text[1:-1]]
        if node.type == "string":
            return [self._string(node)]
        if node.type in ("simple_expansion", "expansion"):
            return self._value(node).split()
        if node.type == "concatenation":
            return ["".join(part for child in node.named_children for part in self._word(child))]
        raise _Opaque

    def _string(self, node: Node) -> str:
        parts = []
        for child in node.named_children:
            if child.type == "string_content":
                parts.append(re.sub(r"\\([\"$`\\])", r"\1", _text(child)))
            elif child.type in ("simple_expansion", "expansion"):
                parts.append(self._value(child))
            else:
                raise _Opaque
        if not node.named_children and len(_text(node)) > 2:
            return _text(node)[1:-1]
        return "".join(parts)

    def _value(self, node: Node) -> str:
        found = re.fullmatch(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?", _text(node))
        if not found or found[1] not in self._known:
            raise _Opaque
        return self._known[found[1]]


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _shown(node: Node) -> str:
    return shortened(_text(node).replace("\\\n", " "))


def _opaque(node: Node) -> Command:
    return Command(node.start_point[0], _shown(node))
