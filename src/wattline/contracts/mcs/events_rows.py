"""Events as the contract shows them, and which events belong to a block."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from wattline.contracts.mcs.derive import Time, said
from wattline.contracts.mcs.times import spell
from wattline.events.model import Event
from wattline.events.paging import Filter
from wattline.model.place import Block
from wattline.registry.service import Registry


class EventRow(msgspec.Struct):
    """The five published keys, and the place of the event in the tenant's chain."""

    id: Annotated[int, said("Its number in the account's log. The numbers have no gap.")]
    block_id: Annotated[int | None, said("The block's number; null for what happened to no block.")]
    event_type: str
    payload: dict[str, Any] | None
    created_at: Annotated[Time, said("When it happened.")]
    seq: Annotated[int, said("Added: the same as `id`.")]
    hash: Annotated[str, said("Added: SHA-256 over the event and the hash of the one before it.")]
    block_slug: Annotated[str | None, said("Added.")]
    site_slug: Annotated[str | None, said("Added.")]


def block_of(registry: Registry, event: Event) -> Block | None:
    """The block that an event happened at: the one it names, else the one that stands for its site as a whole."""
    if event.site is None:
        return None
    named = None if event.subject is None else registry.block(event.tenant, event.site, event.subject)
    return named or registry.block(event.tenant, event.site, event.site)


def at_block(registry: Registry, block: Block) -> dict[str, Any]:
    """The conditions of `Filter` for the events of a block: the other way round than `block_of`."""
    site = block.site
    if block.slug != site.key:
        return {"sites": [site.key], "subject": block.slug}
    others = [other.slug for other in registry.blocks(site.tenant, site.key) if other is not block]
    return {"sites": [site.key], "other_subjects": others}


def event_filter(registry: Registry, block: Block | None, sites: frozenset[str] | None, **more: Any) -> Filter:
    """The filter for the events of a block, or of the sites that may be seen."""
    place = {"sites": sites} if block is None else at_block(registry, block)
    return Filter(**place, **more)


def event_row(registry: Registry, event: Event) -> EventRow:
    """An event for an answer or a frame."""
    block = block_of(registry, event)
    return EventRow(
        event.sequence,
        None if block is None else block.id,
        event.type,
        event.body,
        spell(event.time),
        event.sequence,
        event.hash,
        None if block is None else block.slug,
        event.site,
    )
