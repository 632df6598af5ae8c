"""The gate with a small application behind it that answers whom it admitted, and clients that ask it."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
from starlette.types import Receive, Scope, Send

from wattline.contracts.flux.caller import Caller
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.gate.around import Around
from wattline.contracts.flux.gate.gate import Gate
from wattline.contracts.flux.gate.words import SocketRefused
from wattline.identity.jwt_token import sign
from wattline.identity.limits import RateLimiter
from wattline.identity.projects import given_secrets
from wattline.identity.service import Identity
from wattline.model.clock import SECOND, ManualClock
from wattline.settings import Settings
from wattline.state.database import Database

ORIGIN = "https://panel.example"


class Desk:
    """One server of the contract, as far as its gate goes, on a clock that the test moves."""

    def __init__(self, database: Database, clock: ManualClock, **settings: Any) -> None:
        self.settings = Settings(**settings)
        self.clock = clock
        secrets = given_secrets(self.settings.default_tenant, self.settings.flux_jwt_secret)
        self.identity = Identity(database, clock, project_secrets=secrets)
        self.gate = Gate(self.identity, self.settings, RateLimiter(clock), clock)
        self.app = Around(self._answer, self.settings.cors_origins)
        self.callers: list[Caller] = []

    async def _answer(self, scope: Scope, _receive: Receive, send: Send) -> None:
        status, body, headers = 200, b"{}", {}
        try:
            caller = await self.gate.admit(scope)
            self.callers.append(caller)
            body = msgspec.json.encode({"tenant": caller.tenant, "role": caller.role, "key": caller.key_id})
        except Refusal as error:
            status, body, headers = error.status, error.body, error.headers
        lines = [(name.encode(), value.encode()) for name, value in {"content-type": "application/json", **headers}.items()]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": body})

    async def ask(
        self,
        apikey: str | None = None,
        bearer: str | None = None,
        *,
        method: str = "GET",
        query: str = "",
        address: str = "192.0.2.7",
        **headers: str,
    ) -> httpx.Response:
        """One request; `bearer` is the text after the word Bearer."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if apikey is not None:
            given["apikey"] = apikey
        if bearer is not None:
            given["Authorization"] = f"Bearer {bearer}"
        transport = httpx.ASGITransport(self.app, client=(address, 40_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://flux.example") as client:
            return await client.request(method, f"/rest/v1/mg_bess_readings{query}", headers=given)

    async def open(self, query: str = "", address: str = "192.0.2.7", **headers: str) -> Caller:
        """The handshake of a socket. Raises `SocketRefused`."""
        lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "websocket", "query_string": query.encode(), "headers": lines, "client": (address, 40_000)}
        return await self.gate.admit_socket(scope)

    async def refused(self, query: str = "", **headers: str) -> SocketRefused:
        """How a handshake is refused."""
        try:
            await self.open(query, **headers)
        except SocketRefused as error:
            return error
        raise AssertionError("the socket was opened")

    async def key(self, role: str = "anon", tenant: str = "default", **more: Any) -> str:
        """A new key that stands for a role."""
        return (await self.identity.create_role_key(tenant, "test", role, **more))[1]

    async def token(self, tenant: str = "default", **claims: Any) -> str:
        """A token of a signed-in user of the tenant's project, which another program signs."""
        secret = await self.identity.projects.secret(tenant)
        assert secret is not None
        return sign({"exp": self.clock.micros() // SECOND + 3600, **claims}, secret)
