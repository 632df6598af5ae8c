"""A project, as a program of Flux knows one: an address and keys; here with the server process behind it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt

from tests.server_process import ServerProcess

SECRET = "the secret that tokens of this project are signed with"
ROLES = ("anon", "authenticated", "service_role")
LIMIT_SECONDS = 60


@dataclass(frozen=True)
class Project:
    """A running server and a key of each role, made by the command line."""

    server: ServerProcess
    keys: Mapping[str, str]

    @property
    def url(self) -> str:
        """What `createClient` is given."""
        return self.server.url

    @property
    def anon(self) -> str:
        return self.keys["anon"]

    @property
    def service(self) -> str:
        return self.keys["service_role"]

    def token(self, role: str = "authenticated", expires: int = 4_000_000_000, **claims: Any) -> str:
        """A token of a user; `expires` is in seconds since 1970."""
        return jwt.encode({"role": role, "exp": expires, "sub": "tests", **claims}, SECRET, "HS256")

    def http(self, key: str | None = None, **headers: str) -> httpx.Client:
        """Plain requests below /rest/v1 with a key (anon's where none is given), as the page sends them."""
        key = key or self.anon
        sent = {"apikey": key, "Authorization": f"Bearer {key}", **headers}
        return httpx.Client(base_url=f"{self.url}/rest/v1", headers=sent, timeout=LIMIT_SECONDS)


def key(data: Path, role: str) -> str:
    """Make a key with the command line."""
    command = [sys.executable, "-m", "wattline", "key", "create", "--contract", "flux", "--role", role, "--name", role]
    environment = {**os.environ, "WATTLINE_FLUX_JWT_SECRET": SECRET}
    done = subprocess.run(
        [*command, "--data", str(data)], check=True, capture_output=True, text=True, env=environment, timeout=LIMIT_SECONDS
    )
    return done.stdout.strip()


@contextmanager
def project(directory: Path, **settings: str) -> Iterator[Project]:
    """Start a server on a directory of its own. `settings` are variables without their prefix."""
    environment = {
        "WATTLINE_FLUX_JWT_SECRET": SECRET,
        "WATTLINE_FLUX_RATE_LIMITS": "off",
        "WATTLINE_LOG_LEVEL": "warning",
        "WATTLINE_MQTT": "off",
        # The page's readings are of 2024.
        **{f"WATTLINE_RETENTION_{tier}_DAYS": "36500" for tier in ("RAW", "MINUTE", "5M", "HOUR", "DAY")},
        **{f"WATTLINE_{name.upper()}": value for name, value in settings.items()},
    }
    data = directory / "data"
    with ServerProcess(data, environment=environment) as server, ThreadPoolExecutor(2) as threads:
        yield Project(server, dict(zip(ROLES, threads.map(lambda role: key(data, role), ROLES), strict=True)))
