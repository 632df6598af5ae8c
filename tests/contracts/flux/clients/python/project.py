"""What a scenario is given: the address and the keys of a project, clients of it, and devices that nobody else uses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from postgrest.exceptions import APIError
from supabase import AsyncClient, AsyncClientOptions, Client, ClientOptions, acreate_client, create_client

T = TypeVar("T")
LIMIT_SECONDS = 15


@dataclass(frozen=True)
class Project:
    """The names are those of the page and of the JavaScript scenarios."""

    url: str
    anonKey: str  # noqa: N815
    authenticatedKey: str  # noqa: N815
    serviceKey: str  # noqa: N815
    userToken: str  # noqa: N815
    expiredToken: str  # noqa: N815
    device: str
    other: str
    site: str

    def client(self, key: str = "", **options: Any) -> Client:
        """A client, by default with the anon key."""
        return create_client(self.url, key or self.anonKey, ClientOptions(**options))

    @property
    def service(self) -> Client:
        """A client that may do everything."""
        return self.client(self.serviceKey)

    @asynccontextmanager
    async def live(self, key: str = "", **options: Any) -> Any:
        """An asynchronous client, whose socket is closed at the end."""
        client: AsyncClient = await acreate_client(self.url, key or self.anonKey, AsyncClientOptions(**options))
        try:
            yield client
        finally:
            await client.remove_all_channels()
            await client.realtime.close()


class Inbox(asyncio.Queue[T]):
    """Things that come one after another: `put_nowait` one, `take` the next."""

    async def take(self) -> T:
        """The next, which must come in time."""
        return await asyncio.wait_for(self.get(), LIMIT_SECONDS)


@contextmanager
def refused(code: str | None = None) -> Iterator[list[APIError]]:
    """What is done within is refused, with this code where one is given; the error is then in the list."""
    found: list[APIError] = []
    try:
        yield found
    except APIError as error:
        found.append(error)
    assert found, f"not refused with {code}"
    assert code is None or found[0].code == code, found[0]
