"""Groups: meters and groups of meters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from wattline.metering.checks import Document
from wattline.metering.checks_references import References
from wattline.metering.formula import DEEPEST, counts, depth, reaches
from wattline.metering.keeping import Keeping
from wattline.metering.meters import Meters
from wattline.metering.model import Group
from wattline.model.errors import Fault, Invalid, NotFound
from wattline.resources.model import Resource
from wattline.resources.service import Resources

MOST_MEMBERS = 10_000
BODY = ("name", "external_id", "metadata", "meter_ids", "group_ids", "dedupe")


def group_of(resource: Resource) -> Group:
    """The group that a checked resource describes."""
    body = resource.body
    return Group(
        id=resource.id,
        tenant=resource.tenant,
        version=resource.version,
        name=body["name"],
        meter_ids=tuple(body["meter_ids"]),
        group_ids=tuple(body["group_ids"]),
        dedupe=body["dedupe"],
    )


class Groups(Keeping):
    """The groups of every tenant. A meter is in the groups that name it and in those that it names."""

    kind = "group"

    def __init__(self, resources: Resources, references: References, meters: Meters) -> None:
        super().__init__(resources, references)
        self._meters = meters
        self._groups: dict[int, Group] = {}
        resources.on_change("group", self._changed)

    def _changed(self, resource: Resource) -> None:
        if resource.removed is None:
            self._groups[resource.id] = group_of(resource)
        else:
            self._groups.pop(resource.id, None)

    def get(self, tenant: str, number: int) -> Group:
        """The tenant's group with this id. Raises `NotFound`."""
        found = self._groups.get(number)
        if found is None or found.tenant != tenant:
            raise NotFound("no such group")
        return found

    def all(self, tenant: str) -> list[Group]:
        """Every group of a tenant, by id."""
        return [self._groups[number] for number in self._resources.ids(tenant, "group")]

    def counts(self, tenant: str, number: int) -> Counter[int]:
        """How often each meter counts in a group. Raises `NotFound`."""
        return counts(
            self.get(tenant, number).id,
            lambda one: self.get(tenant, one),
            lambda group: {*group.meter_ids, *self._meters.naming(tenant, group.id)},
        )

    def checked(self, tenant: str, known: Resource | None, body: Mapping[str, Any]) -> dict[str, Any]:
        document = Document(body, BODY)
        inner = document.identities("group_ids", MOST_MEMBERS)
        result = {
            "name": document.text("name", required=True),
            "external_id": document.text("external_id"),
            "metadata": document.metadata(),
            "meter_ids": document.identities("meter_ids", MOST_MEMBERS),
            "group_ids": inner,
            "dedupe": document.flag("dedupe", True),
        }
        document.faults += self._references.missing(tenant, "group", result)
        within = {group.id: list(group.group_ids) for group in self.all(tenant) if group.group_ids}
        if known is not None:
            document.faults += [
                Fault(f"/group_ids/{index}", "cycle", "the group would contain itself")
                for index, number in enumerate(inner)
                if reaches(within, number, known.id)
            ]
        document.done()
        if inner and depth(within | {0 if known is None else known.id: inner}) > DEEPEST:
            raise Invalid(f"groups are nested more than {DEEPEST} deep", "group_ids")
        return result
