"""What the cases of one file have in common, read once and shared.

A row of the matrix changes a few nodes of the document. Every other device, person or step is the
same node in all cases, so its data and its model are the same objects: a case costs what its row
changes, in time and in memory.
"""

from __future__ import annotations

from typing import Any

import yaml

from mfalab.simulator.scenario_files.scenario import Scenario
from mfalab.simulator.scenario_files.yaml_source import Source, data_of

_SECTIONS = ("accounts", "people", "groups", "roles", "phones", "devices", "steps")
"""What holds entries that are models of their own."""


class Parts:
    """The data and the models of a document's entries, by their nodes.

    Args:
        story: the document; a case is made of its nodes and of its row's values.
        source: the file.
    """

    def __init__(self, story: yaml.Node, source: Source) -> None:
        # The nodes are kept alive, so that no other node gets the identity of one of them.
        self._nodes = {id(node): node for node in _entries(story).values()}
        self._data = {name: data_of(node) for name, node in self._nodes.items()}
        self._models: dict[int, Any] = {}
        self._source = source
        self._texts: dict[int, tuple[int, str]] = {}

    def data_of(self, root: yaml.Node) -> Any:
        """A case's document as data."""
        return data_of(root, self._data)

    def text_of(self, entry: yaml.Node) -> tuple[int, str]:
        """The line and the text of an entry that no row changes."""
        if id(entry) not in self._texts:
            text = self._source.text_of(entry)
            self._texts[id(entry)] = entry.start_mark.line + 1, text
        return self._texts[id(entry)]

    def validated(self, root: yaml.Node, data: Any) -> Scenario:
        """A case's document as a scenario.

        Raises:
            ValidationError: it is none.
        """
        entries = _entries(root)
        given = dict(data) if isinstance(data, dict) else data
        for (section, name), node in entries.items():
            if id(node) in self._models:
                if given[section] is data[section]:
                    given[section] = data[section].copy()
                given[section][name] = self._models[id(node)]
        scenario = Scenario.model_validate(given)
        for (section, name), node in entries.items():
            if id(node) in self._nodes:
                self._models.setdefault(id(node), getattr(scenario, section)[name])
        return scenario


def _entries(root: yaml.Node) -> dict[tuple[str, str | int], yaml.Node]:
    """The node of each entry, by its section and its name or position."""
    found: dict[tuple[str, str | int], yaml.Node] = {}
    for section, holder in root.value if isinstance(root, yaml.MappingNode) else ():
        if section.value not in _SECTIONS:
            continue
        if isinstance(holder, yaml.MappingNode):
            found |= {(section.value, name.value): node for name, node in holder.value}
        elif isinstance(holder, yaml.SequenceNode):
            found |= {(section.value, at): node for at, node in enumerate(holder.value)}
    return found
