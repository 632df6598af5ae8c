"""GET /sites, /sites/{slug}, /blocks and /blocks/{slug}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from wattline.contracts.mcs import documents
from wattline.contracts.mcs.blocks import Blocks
from wattline.contracts.mcs.gate import Gate
from wattline.contracts.mcs.subsystems import listed, scheduled
from wattline.model.clock import from_micros
from wattline.model.errors import NotFound
from wattline.model.place import Block, Site
from wattline.model.principal import Principal
from wattline.platform import Platform

Offset = Annotated[int, Query(ge=0, le=2**63 - 1, description="How many to leave out.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
SiteSlug = Annotated[str | None, Query(description="Only blocks of this site.")]


def plain(config: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What an owner keeps about a thing, as an object of JSON."""
    return None if config is None else dict(config)


class Shown:
    """Makes the page's rows of sites and blocks."""

    def __init__(self, platform: Platform, blocks: Blocks) -> None:
        self._registry = platform.registry
        self._alarms = platform.alarms
        self._blocks = blocks

    def site(self, site: Site) -> dict[str, Any]:
        """The fields of a site in a list."""
        blocks = self._registry.blocks(site.tenant, site.key)
        return {
            "id": site.id,
            "slug": site.key,
            "name": site_name(site),
            "region": site.region,
            "status": site.status,
            "latitude": site.latitude,
            "longitude": site.longitude,
            "block_count": len(blocks),
            "total_capacity_mw": float(sum(block.capacity_mw for block in blocks)),
        }

    def block(self, block: Block) -> dict[str, Any]:
        """The fields of a block in a list."""
        points = listed(self._registry.block_points(block.id))
        alarms = (self._alarms.live(point.id) for point in points)
        return {
            "id": block.id,
            "slug": block.slug,
            "site_slug": block.site.key,
            "site_name": site_name(block.site),
            "capacity_mw": block.capacity_mw,
            "status": block.status,
            "commissioned_at": None if block.commissioned is None else from_micros(block.commissioned),
            "sensor_count": len(points),
            "thermal_mode": block.mode,
            "thermal_mode_since": None if block.mode_since is None else from_micros(block.mode_since),
            "alarms_standing": sum(alarm is not None and alarm.standing for alarm in alarms),
        }


def site_name(site: Site) -> str:
    """The name of a site, or its slug where nobody named it."""
    return site.name or site.key


def build(platform: Platform, gate: Gate, blocks: Blocks) -> APIRouter:
    """The routes, on this platform."""
    router = APIRouter(tags=["MCS places"])
    caller = Depends(gate.reader)
    shown = Shown(platform, blocks)
    registry = platform.registry

    @router.get("/sites", summary="List all sites", responses=documents.refusals(422))
    async def sites(offset: Offset = 0, limit: Limit = 100, principal: Principal = caller) -> list[documents.Site]:
        """The sites, by name."""
        found = sorted(blocks.sites(principal), key=lambda site: (site_name(site), site.key))
        return [documents.Site(**shown.site(site)) for site in found[offset : offset + limit]]

    @router.get("/sites/{slug:path}", summary="Site details", responses=documents.refusals(404, 422))
    async def site(slug: str, principal: Principal = caller) -> documents.SiteDetail:
        """One site."""
        found = blocks.site(principal, slug)
        if found is None:
            raise NotFound(f"Site '{slug}' not found")
        created = None if found.created is None else from_micros(found.created)
        more: dict[str, Any] = {"config": plain(found.config), "created_at": created, "timezone": found.zone or "UTC"}
        return documents.SiteDetail(**shown.site(found), **more)

    @router.get("/blocks", summary="List blocks", responses=documents.refusals(422))
    async def list_blocks(
        site_slug: SiteSlug = None, offset: Offset = 0, limit: Limit = 100, principal: Principal = caller
    ) -> list[documents.Block]:
        """The blocks, by the name of their site and their slug. An unknown site has none."""
        found = blocks.blocks(principal, site_slug)
        found.sort(key=lambda block: (site_name(block.site), block.site.key, block.slug))
        return [documents.Block(**shown.block(block)) for block in found[offset : offset + limit]]

    @router.get("/blocks/{slug:path}", summary="Block details", responses=documents.refusals(404, 409, 422))
    async def block(slug: str, principal: Principal = caller) -> documents.BlockDetail:
        """One block, by its slug where no other site has such a block, or by `site/slug`."""
        found = blocks.block(principal, slug)
        more: dict[str, Any] = {
            "config": plain(found.config),
            "equipment_count": len(scheduled(registry.block_devices(found.id))),
        }
        return documents.BlockDetail(**shown.block(found), **more)

    return router
