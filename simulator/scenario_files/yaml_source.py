"""YAML as text with places: every scalar stays what was written, every node knows its line.

Scalars are not interpreted, so `012345` stays a code and `no` stays a word; the models say what a
text means. Duplicate keys, custom tags and a second document are problems, not surprises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from mfalab.simulator.language.problems import Problem, ProblemsFound
from mfalab.simulator.scenario_files.yaml_errors import SAVE, not_utf8, sentence

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE_TAGS = "tag:yaml.org,2002:"
_PLAIN_TAGS = {
    _CORE_TAGS + kind
    for kind in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value")
}
"""What YAML gives to nodes that have no tag; `!!str` and the like change nothing."""
_NULLS = {"", "null", "~"}
_MOST_NODES = 200_000
"""A file of this many values is no story, but aliases of aliases of aliases."""

Location = tuple[str | int, ...]
"""A path into the document: keys and list positions."""


@dataclass(frozen=True, slots=True)
class Source:
    """One YAML file: its text and its node tree."""

    path: str
    lines: tuple[str, ...]
    root: yaml.Node

    def problem(self, node: yaml.Node, message: str) -> Problem:
        """A problem at a node."""
        return self.problem_at(node.start_mark.line, node.start_mark.column, message)

    def problem_at(self, line: int, column: int, message: str) -> Problem:
        """A problem at a line and column that count from 0."""
        text = self.lines[line].rstrip() if line < len(self.lines) else ""
        return Problem(self.path, line + 1, column + 1, message, text)

    def text_of(self, node: yaml.Node) -> str:
        """What is written for a node, on one line, without the comments that follow it."""
        first, last = node.start_mark, _last_mark(node)
        lines = list(self.lines[first.line : last.line + 1])
        lines[-1] = lines[-1][: last.column]
        lines[0] = lines[0][first.column :]
        return " ".join(" ".join(lines).split())


def read_source(path: Path, shown_as: str) -> Source:
    """Read a file.

    Raises:
        ProblemsFound: it cannot be read, or is no YAML.
    """
    try:
        data = path.read_bytes()
        # Line ends are the parser's, and ours to count: it knows more of them than "\n".
        text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise ProblemsFound.of_file(shown_as, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ProblemsFound.of_file(shown_as, not_utf8(data, error.start)) from None
    return parse_source(text, shown_as)


def parse_source(text: str, shown_as: str) -> Source:
    """Read a text, whose lines end in a line feed.

    Raises:
        ProblemsFound: it is no YAML.
    """
    lines = tuple(text.splitlines())
    empty = Source(shown_as, lines, yaml.ScalarNode("", ""))
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        said = ", ".join(part for part in (error.context, error.problem) if part)
        message = sentence(lines, line, column, said)
        raise ProblemsFound([empty.problem_at(line, column, message)]) from None
    except yaml.reader.ReaderError:
        wrong = yaml.reader.Reader.NON_PRINTABLE.search(text)
        at = wrong.start() if wrong else 0
        line, column = text.count("\n", 0, at), at - text.rfind("\n", 0, at) - 1
        said = f"character U+{ord(text[at]):04X} is not allowed here"
        if text[at] == "\0":
            said += f"; {SAVE} if it is UTF-16"
        raise ProblemsFound([empty.problem_at(line, column, f"YAML: {said}")]) from None
    if root is None:
        raise ProblemsFound.of_file(shown_as, "the file is empty")
    source = Source(shown_as, lines, root)
    problems = list(_structure_problems(source, root, [_MOST_NODES], ()))
    if problems:
        raise ProblemsFound(problems)
    return source


def _structure_problems(
    source: Source, node: yaml.Node, left: list[int], above: tuple[yaml.Node, ...]
) -> Iterator[Problem]:
    """What no scenario may have, whatever its words mean.

    All calls share `left`, the number of nodes that may still come; a node is inside of `above`.
    """
    left[0] -= 1
    if left[0] == 0:
        yield source.problem(node, f"more than {_MOST_NODES} values; split the file")
    if left[0] <= 0:
        return
    if any(node is other for other in above):
        yield source.problem(node, "an alias leads back into itself; write it out")
        return
    if node.tag not in _PLAIN_TAGS:
        yield source.problem(node, f"tag {node.tag} is not used here; remove it")
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                yield source.problem(key, "a key must be plain text")
                continue
            if key.value == "<<" and not getattr(key, "style", None):
                yield source.problem(key, 'the merge key "<<" is not used here; write it out')
                continue
            if key.value in seen:
                yield source.problem(key, f'key "{key.value}" is here twice; keep one')
            seen.add(key.value)
            yield from _structure_problems(source, value, left, (*above, node))
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _structure_problems(source, item, left, (*above, node))


def _last_mark(node: yaml.Node) -> yaml.Mark:
    """Where a node ends; a block's own mark is where the next thing begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        if isinstance(last, yaml.Node):
            return _last_mark(last)
        key, value = last
        return _last_mark(value if isinstance(value, yaml.CollectionNode) or value.value else key)
    return node.end_mark


def data_of(node: yaml.Node, known: Mapping[int, Any] = MappingProxyType({})) -> Any:
    """A node as dictionaries, lists and texts; an empty plain scalar is None.

    Args:
        node: the node.
        known: the data of nodes that were read before, by their identity.
    """
    if id(node) in known:
        return known[id(node)]
    if isinstance(node, yaml.MappingNode):
        return {key.value: data_of(value, known) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [data_of(item, known) for item in node.value]
    plain = not getattr(node, "style", None)  # None by Python's parser, "" by libyaml's
    return None if plain and node.value in _NULLS else str(node.value)


def flow(data: Any) -> str:
    """Data on one line, as a scenario would write it."""
    if isinstance(data, dict):
        return f"{{{', '.join(f'{key}: {flow(value)}' for key, value in data.items())}}}"
    if isinstance(data, list):
        return f"[{', '.join(map(flow, data))}]"
    return "null" if data is None else str(data)


def mapping(data: Any, section: str) -> dict[str, Any]:
    """A section of a document; empty when it is missing or no mapping."""
    found = data.get(section) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def node_at(root: yaml.Node, location: Location, *, key: bool = False) -> yaml.Node:
    """The node at a location, or the nearest one above it.

    Parts that the document does not have (pydantic names the branch of a union it took) are
    passed over. With `key`, the last part's key rather than its value.
    """
    node, nearest = root, root
    for part in location:
        if isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                if name.value == str(part):
                    node, nearest = value, name if key else value
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = nearest = node.value[part]
    return nearest


def without(root: yaml.Node, name: str) -> yaml.Node:
    """The same document without one of its keys."""
    if not isinstance(root, yaml.MappingNode):
        return root
    rest = copy(root)
    rest.value = [entry for entry in root.value if entry[0].value != name]
    return rest


def with_value(
    root: yaml.Node, location: Sequence[str], value: yaml.Node, path: yaml.Node
) -> yaml.Node:
    """The same tree with another value at a location; missing mappings on the way are made.

    New keys are where `path` is, the node that spells the location in the file.
    """
    if not location:
        return value
    name, rest = location[0], location[1:]
    if isinstance(root, yaml.SequenceNode):
        items = copy(root)
        items.value = list(root.value)
        items.value[int(name)] = with_value(root.value[int(name)], rest, value, path)
        return items
    entries = list(root.value) if isinstance(root, yaml.MappingNode) else []
    changed = yaml.MappingNode(
        f"{_CORE_TAGS}map", entries, value.start_mark, value.end_mark, flow_style=True
    )
    if isinstance(root, yaml.MappingNode):
        changed.start_mark, changed.end_mark = root.start_mark, root.end_mark
    for index, (key, old) in enumerate(entries):
        if key.value == name:
            entries[index] = (key, with_value(old, rest, value, path))
            return changed
    key = yaml.ScalarNode(f"{_CORE_TAGS}str", name, path.start_mark, path.end_mark)
    hollow = yaml.ScalarNode(f"{_CORE_TAGS}null", "", value.start_mark, value.end_mark)
    entries.append((key, with_value(hollow, rest, value, path)))
    return changed
