"""Which documents name which others: what they name must be there, and what is named stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from wattline.metering.checks import escaped, is_id
from wattline.model.errors import Fault
from wattline.resources.model import Kind, Resource
from wattline.resources.service import Resources

EACH = "*"
"""A step of a path that stands for every item of a list."""


class Reference(NamedTuple):
    """Documents of `kind` hold, at `path`, ids of resources of the kind `target`."""

    kind: Kind
    path: tuple[str, ...]
    target: Kind


METERING = (
    Reference("meter", ("account_id",), "account"),
    Reference("meter", ("group_ids", EACH), "group"),
    Reference("meter", ("parent_id",), "meter"),
    Reference("meter", ("node_id",), "node"),
    Reference("meter", ("formula", EACH, "meter_id"), "meter"),
    Reference("group", ("meter_ids", EACH), "meter"),
    Reference("group", ("group_ids", EACH), "group"),
    Reference("account", ("tariffs", EACH, "tariff_id"), "tariff"),
    Reference("account", ("meters", EACH, "meter_id"), "meter"),
    Reference("node", ("meter_id",), "meter"),
)


class References:
    """The references of all kinds; packages that keep other kinds `add` theirs."""

    def __init__(self, resources: Resources, known: tuple[Reference, ...] = METERING) -> None:
        self._resources = resources
        self._known = list(known)

    def add(self, kind: Kind, path: tuple[str, ...], target: Kind) -> None:
        """Documents of `kind` refer to `target` from now on; again is without effect."""
        if Reference(kind, path, target) not in self._known:
            self._known.append(Reference(kind, path, target))

    def missing(self, tenant: str, kind: Kind, body: Mapping[str, Any]) -> list[Fault]:
        """A fault for every id that a document names and that is not there, or is another tenant's."""
        return [
            Fault(pointer, "unknown_reference", f"there is no {known.target} {number}")
            for known in self._known
            if known.kind == kind
            for pointer, number in _named(body, known.path)
            if self._resources.find(tenant, known.target, number) is None
        ]

    def users(self, tenant: str, kind: Kind, number: int) -> list[Resource]:
        """The documents that name a resource, other than itself."""
        found: dict[int, Resource] = {}
        for known in self._known:
            if known.target == kind:
                for resource in self._resources.all(tenant, known.kind):
                    if resource.id != number and any(named == number for _, named in _named(resource.body, known.path)):
                        found[resource.id] = resource
        return [found[each] for each in sorted(found)]


def _named(value: Any, path: tuple[str, ...], pointer: str = "") -> Iterator[tuple[str, int]]:
    """Each id at a path, and where it is."""
    if not path:
        if is_id(value):
            yield pointer, value
    elif path[0] == EACH:
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from _named(item, path[1:], f"{pointer}/{index}")
    elif isinstance(value, Mapping):
        yield from _named(value.get(path[0]), path[1:], f"{pointer}/{escaped(path[0])}")
