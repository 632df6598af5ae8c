"""How documents of one kind are made, changed and removed: checked against what is committed, then written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from wattline.metering.checks import DEEPEST, is_deep
from wattline.metering.checks_references import References
from wattline.model.errors import Conflict, Fault, Faulty
from wattline.resources.model import Kind, Resource
from wattline.resources.service import Resources, Writer

GIVEN_BACK = frozenset({"id", "version", "created_at", "updated_at"})
"""What an answer says beside the body: a caller may send an answer back as it is."""


def merged(body: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """A document after a merge patch (RFC 7396)."""
    result = dict(body)
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            known = result.get(name)
            result[name] = merged(known if isinstance(known, Mapping) else {}, value)
        else:
            result[name] = value
    return result


class Keeping(ABC):
    """The writing side of one kind; a subclass says what a document of it must hold."""

    kind: Kind

    def __init__(self, resources: Resources, references: References) -> None:
        self._resources = resources
        self._references = references

    @abstractmethod
    def checked(self, tenant: str, known: Resource | None, body: Mapping[str, Any]) -> dict[str, Any]:
        """A body with every field, defaults filled in. `known` is what it replaces. Raises `Faulty`, `Conflict`."""

    async def written(self, resource: Resource, former: Resource | None) -> None:  # noqa: B027 - most have nothing to do
        """A resource was committed; what has to be done outside its transaction is done here, and must bear repetition."""

    async def leaving(self, writer: Writer, resource: Resource) -> None:  # noqa: B027
        """A resource is about to be removed, in the writer's transaction."""

    async def gone(self) -> None:  # noqa: B027
        """A resource was removed, and the removal committed."""

    async def create(self, tenant: str, body: Mapping[str, Any]) -> Resource:
        """A new resource. Raises `Faulty`, `Conflict`."""
        async with self._resources.writing() as writer:
            made = await writer.insert(tenant, self.kind, self.checked(tenant, None, _writable(body)))
        await self.written(made, None)
        return made

    async def replace(self, tenant: str, number: int, body: Mapping[str, Any], *, expected: int | None = None) -> Resource:
        """Give it another body; what is not given gets its default. Raises `NotFound`, `Stale`, `Faulty`, `Conflict`."""
        async with self._resources.writing() as writer:
            known = writer.get(tenant, self.kind, number)
            checked = self.checked(tenant, known, _writable(body))
            made = await writer.replace(tenant, self.kind, number, checked, expected=expected)
        await self.written(made, known)
        return made

    async def patch(self, tenant: str, number: int, change: Mapping[str, Any], *, expected: int | None = None) -> Resource:
        """Merge a patch into its body; null sets a field to its default. Raises as `replace` does."""
        if not isinstance(change, Mapping):
            raise Faulty([Fault("", "type", "must be an object")])
        if is_deep(dict(change), DEEPEST + 1):
            raise Faulty([Fault("", "too_deep", "is nested too deeply")])
        async with self._resources.writing() as writer:
            known = writer.get(tenant, self.kind, number)
            checked = self.checked(tenant, known, merged(known.body, _writable(change)))
            made = await writer.replace(tenant, self.kind, number, checked, expected=expected)
        await self.written(made, known)
        return made

    async def remove(self, tenant: str, number: int, *, expected: int | None = None) -> None:
        """Remove it. Raises `NotFound`, `Stale`, and `Conflict` where something that is there refers to it."""
        async with self._resources.writing() as writer:
            known = await writer.remove(tenant, self.kind, number, expected=expected)
            users = self._references.users(tenant, self.kind, number)
            if users:
                named = ", ".join(f"{user.kind} {user.id}" for user in users[:5])
                raise Conflict(f"this {self.kind} is in use: {named}{' and others' if len(users) > 5 else ''} refer to it")
            await self.leaving(writer, known)
        await self.gone()


def _writable(body: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        return body
    return {name: value for name, value in body.items() if name not in GIVEN_BACK}
