"""Which block a caller means: a slug that one site alone has, `site/slug`, or the block's number.

What a key does not include does not exist for it: the same slug at two sites is no riddle to a key that sees one of them.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from wattline.contracts.mcs.errors import Unprocessable, fault
from wattline.model.errors import Ambiguous, NotFound
from wattline.model.place import Block, Site
from wattline.model.principal import Principal
from wattline.registry.point import Point
from wattline.registry.service import Registry

LONGEST = 512
"""Characters of a block's name in full; more is no block."""

BlockText = Annotated[
    str | None,
    Query(description="Slug of the block, or `site/slug` where several sites have such a block.", examples=["block-01"]),
]
BlockAlias = Annotated[str | None, Query(description="The same as `block_slug`; the block's number is understood too.")]


def named(block_slug: str | None, block_id: str | None) -> str | None:
    """The text that names the block; `block_slug` where both are given."""
    return block_slug if block_slug is not None else block_id


def required(block_slug: str | None, block_id: str | None) -> str:
    """The same where a block must be named. Raises `Unprocessable`."""
    text = named(block_slug, block_id)
    if text is None:
        raise Unprocessable([fault("missing", ["query", "block_slug"], "Field required")])
    return text


class Blocks:
    """Resolves blocks and sensors as a principal sees them."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def block(self, principal: Principal, text: str) -> Block:
        """The block that a text names. Raises `NotFound`, and `Ambiguous` with a hint where it names several."""
        found = self._seen(principal, text) if len(text) <= LONGEST else None
        if found is None:
            raise NotFound(f"Block '{text}' not found")
        return found

    def find(self, principal: Principal, text: str) -> Block | None:
        """The same, None where there is no such block. Raises `Ambiguous`."""
        return self._seen(principal, text) if len(text) <= LONGEST else None

    def _seen(self, principal: Principal, text: str) -> Block | None:
        tenant = principal.tenant
        if principal.sites is None:
            try:
                return self._registry.find_block(tenant, text)
            except NotFound:
                return self._numbered(principal, text)
        bare = [block for key in principal.sites if (block := self._registry.block(tenant, key, text)) is not None]
        if len(bare) == 1:
            return bare[0]
        if bare:
            full = ", ".join(sorted(f"{block.site.key}/{block.slug}" for block in bare)[:5])
            raise Ambiguous(f"Several sites have a block '{text}': name one of them in full, such as {full}", "block_slug")
        for key in principal.sites:
            if text.startswith(f"{key}/"):
                found = self._registry.block(tenant, key, text[len(key) + 1 :])
                if found is not None:
                    return found
        return self._numbered(principal, text)

    def _numbered(self, principal: Principal, text: str) -> Block | None:
        if not (text.isascii() and text.isdigit()):
            return None
        block = self._registry.blocks_by_id.get(int(text))
        return block if block is not None and self.sees(principal, block) else None

    def sees(self, principal: Principal, block: Block) -> bool:
        """Whether the block is of the principal's tenant, and at a site that its key includes."""
        return block.site.tenant == principal.tenant and principal.sees(block.site.key)

    def blocks(self, principal: Principal, site_key: str | None = None) -> list[Block]:
        """The blocks that the principal sees, or those of one site."""
        return [block for block in self._registry.blocks(principal.tenant, site_key) if principal.sees(block.site.key)]

    def sites(self, principal: Principal) -> list[Site]:
        """The sites that the principal sees, by key."""
        return [site for site in self._registry.sites(principal.tenant) if principal.sees(site.key)]

    def site(self, principal: Principal, slug: str) -> Site | None:
        """The site of this slug, None where the principal sees none."""
        return self._registry.site(principal.tenant, slug) if principal.sees(slug) else None

    def point(self, principal: Principal, sensor_id: int) -> Point:
        """The sensor of this number. Raises `NotFound` also where the principal's key does not include its site."""
        point = self._registry.point(principal.tenant, sensor_id)
        if not principal.sees(point.site.key):
            raise NotFound(f"Sensor {sensor_id} not found")
        return point

    def tagged(self, principal: Principal, tag: str, block: Block | None = None) -> Point:
        """The sensor of this tag, in one block or anywhere. Raises `NotFound`, `Ambiguous` where several blocks have it."""
        where = [block] if block is not None else self.blocks(principal)
        found = [point for each in where if (point := self._registry.tagged(each.id, tag)) is not None]
        if not found:
            raise NotFound(f"Sensor '{tag}' not found")
        if len(found) > 1:
            names = ", ".join(f"{point.site.key}/{point.block.slug}" for point in found[:5])
            raise Ambiguous(f"Several blocks have a sensor '{tag}': add block_slug, such as {names}", "sensor_tag")
        return found[0]
