"""What is registered, in memory: every look-up is a dict look-up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from wattline.model.errors import Ambiguous, NotFound
from wattline.model.place import Block, Device, Site
from wattline.registry.listing import Listing
from wattline.registry.point import Point
from wattline.registry.registration import StreamKey
from wattline.registry.stream import Stream


class Index:
    """The live objects: one Site, Block, Device, Stream and Point for each thing in a process, found by id and by name.

    A look-up that names a tenant never finds another's.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.sites_by_id: dict[int, Site] = {}
        self.blocks_by_id: dict[int, Block] = {}
        self.devices_by_id: dict[int, Device] = {}
        self.by_key: dict[StreamKey, Stream] = {}
        self._sites: dict[tuple[str, str], Site] = {}
        self._blocks: dict[tuple[str, str, str], Block] = {}
        self._slugs: dict[tuple[str, str], list[Block]] = {}
        self._by_id: dict[int, Stream] = {}
        self._by_layout: dict[tuple[str, str], list[Stream]] = {}
        self._points: dict[int, Point] = {}
        self._of_block: dict[int, list[Point]] = {}
        self._devices_of: dict[int, dict[int, Device]] = {}
        self._tagged: dict[tuple[int, str], Point] = {}
        self._streams_of: dict[int, list[Stream]] = {}
        self._listings: dict[str, dict[str, Listing]] = {}
        self.listed_again: Counter[str] = Counter()
        """Counts, for each tenant, how often its listings have changed in this process."""

    def add_site(self, site: Site) -> None:
        self.sites_by_id[site.id] = self._sites[site.tenant, site.key] = site

    def add_block(self, block: Block) -> None:
        site = block.site
        self.blocks_by_id[block.id] = self._blocks[site.tenant, site.key, block.slug] = block
        self._slugs.setdefault((site.tenant, block.slug), []).append(block)

    def add_device(self, device: Device) -> None:
        """A device that may have no stream."""
        self.devices_by_id[device.id] = device
        self._devices_of.setdefault(device.block.id, {})[device.id] = device

    def move_devices(self, moves: Mapping[Device, Block]) -> None:
        """Give devices another block, and with it its site; their streams and points are found there from now on."""
        moved: list[Point] = []
        left: set[int] = set()
        for device, block in moves.items():
            left.add(device.block.id)
            del self._devices_of[device.block.id][device.id]
            for stream in self._streams_of.get(device.id, ()):
                del self.by_key[device.site.tenant, device.site.key, device.key, stream.layout.name]
                for point in map(self.any_point, stream.sensor_ids):
                    moved.append(point)
                    if self._tagged.get((device.block.id, point.tag)) is point:
                        del self._tagged[device.block.id, point.tag]
            device.block, device.site = block, block.site
            self._devices_of.setdefault(block.id, {})[device.id] = device
            for stream in self._streams_of.get(device.id, ()):
                self.by_key[device.site.tenant, device.site.key, device.key, stream.layout.name] = stream
        for block_id in left:
            self._of_block[block_id] = [point for point in self._of_block.get(block_id, ()) if point.block.id == block_id]
        for point in moved:
            self._of_block.setdefault(point.block.id, []).append(point)
            self._tagged.setdefault((point.block.id, point.tag), point)
        for block_id in {point.block.id for point in moved}:
            # Of the blocks that devices exchanged, some points were kept above and are here a second time.
            self._of_block[block_id] = sorted(set(self._of_block[block_id]), key=lambda point: point.id)

    def add_listing(self, listing: Listing) -> None:
        self._listings.setdefault(listing.device.site.tenant, {})[listing.uuid] = listing

    def listing(self, tenant: str, uuid: str) -> Listing | None:
        """The tenant's device with this UUID, whichever site it is at."""
        return self._listings.get(tenant, {}).get(uuid)

    def listings(self, tenant: str) -> Iterable[Listing]:
        """The tenant's devices that have a UUID, listed or not."""
        return self._listings.get(tenant, {}).values()

    def device_streams(self, device: Device) -> list[Stream]:
        """The streams of a device, in order of registration."""
        return list(self._streams_of.get(device.id, ()))

    def add_stream(self, stream: Stream) -> None:
        """A stream that may hold rows nobody has looked for yet is given with `admitted` UNKNOWN by the caller."""
        site, block = stream.device.site, stream.device.block
        self.counts[site.tenant] += 1
        self.by_key[site.tenant, site.key, stream.device.key, stream.layout.name] = stream
        self._by_id[stream.id] = stream
        self._by_layout.setdefault((site.tenant, stream.layout.name), []).append(stream)
        self._streams_of.setdefault(stream.device.id, []).append(stream)
        self._devices_of.setdefault(block.id, {})[stream.device.id] = stream.device
        for position, sensor in enumerate(stream.sensors):
            point = self._points[sensor.id] = Point(sensor, stream, position, sensor.id)
            self._of_block.setdefault(block.id, []).append(point)
            self._tagged.setdefault((block.id, point.tag), point)

    def retag(self, point: Point, tag: str | None) -> None:
        """Give a point its tag; it is found by it from now on."""
        if self._tagged.get((point.block.id, point.tag)) is point:
            del self._tagged[point.block.id, point.tag]
        point.sensor.tag = tag
        self._tagged.setdefault((point.block.id, point.tag), point)

    def has_stream(self, stream_id: int) -> bool:
        return stream_id in self._by_id

    def find(self, tenant: str, site: str, device: str, layout: str) -> Stream | None:
        """The stream of these keys, or None where it is not registered."""
        return self.by_key.get((tenant, site, device, layout))

    def stream(self, stream_id: int) -> Stream:
        """The stream with this id; ids come from rows, so an unknown one is `NotFound`."""
        try:
            return self._by_id[stream_id]
        except KeyError:
            raise NotFound(f"no stream {stream_id}") from None

    def every_stream(self) -> Iterable[Stream]:
        """All streams of all tenants, in order of registration."""
        return self._by_id.values()

    def streams(self, tenant: str, layout: str) -> list[Stream]:
        """The tenant's streams of one layout, in order of registration."""
        return self._by_layout.get((tenant, layout), [])

    def layout_streams(self, layout: str) -> list[Stream]:
        """The streams of one layout across tenants: for the engine's own work, never for an answer to a caller."""
        return [s for (_, name), streams in self._by_layout.items() if name == layout for s in streams]

    def site(self, tenant: str, key: str) -> Site | None:
        """The tenant's site with this key, or None."""
        return self._sites.get((tenant, key))

    def sites(self, tenant: str) -> list[Site]:
        """The tenant's sites by key."""
        return sorted((s for (owner, _), s in self._sites.items() if owner == tenant), key=lambda s: s.key)

    def block(self, tenant: str, site: str, slug: str) -> Block | None:
        """The block of these names, or None."""
        return self._blocks.get((tenant, site, slug))

    def blocks(self, tenant: str, site: str | None = None) -> list[Block]:
        """The tenant's blocks, or those of one site, by site and slug."""
        found = (b for (owner, key, _), b in self._blocks.items() if owner == tenant and (site is None or key == site))
        return sorted(found, key=lambda block: (block.site.key, block.slug))

    def find_block(self, tenant: str, text: str) -> Block:
        """The block that a text names: a slug that only one site has, or `site/slug`.

        Raises `NotFound`, and `Ambiguous` where several sites have a block of that slug.
        """
        named = self._slugs.get((tenant, text), [])
        if len(named) == 1:
            return named[0]
        if named:
            full = ", ".join(sorted(f"{block.site.key}/{block.slug}" for block in named)[:5])
            raise Ambiguous(f"Several sites have a block '{text}': name one of them in full, such as {full}", "block_slug")
        for cut in (i for i, letter in enumerate(text) if letter == "/"):
            found = self._blocks.get((tenant, text[:cut], text[cut + 1 :]))
            if found is not None:
                return found
        raise NotFound(f"Block '{text}' not found")

    def block_devices(self, block_id: int) -> list[Device]:
        """The devices of a block, in order of registration."""
        return sorted(self._devices_of.get(block_id, {}).values(), key=lambda device: device.id)

    def point(self, tenant: str, sensor_id: int) -> Point:
        """The tenant's point with this sensor id; `NotFound` also where it is another's."""
        found = self._points.get(sensor_id)
        if found is None or found.tenant != tenant:
            raise NotFound(f"Sensor {sensor_id} not found")
        return found

    def any_point(self, sensor_id: int) -> Point:
        """The point of any tenant: for the engine's own work, never for an answer to a caller."""
        try:
            return self._points[sensor_id]
        except KeyError:
            raise NotFound(f"Sensor {sensor_id} not found") from None

    def points(self, tenant: str) -> list[Point]:
        """Every point of the tenant, by sensor id."""
        return [point for point in self._points.values() if point.tenant == tenant]

    def block_points(self, block_id: int) -> list[Point]:
        """The points of a block, by sensor id."""
        return list(self._of_block.get(block_id, ()))

    def tagged(self, block_id: int, tag: str) -> Point | None:
        """The point of a block that bears this tag."""
        return self._tagged.get((block_id, tag))
