"""A started server for all tests of a worker, and what each test gets of its own: devices and a site that nobody else uses."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import httpx
import pytest

from tests.contracts.flux.clients.project import Project, project


@pytest.fixture(scope="session")
def flux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project without rate limits."""
    with project(tmp_path_factory.mktemp("flux")) as started:
        yield started


@pytest.fixture
def device() -> str:
    """A device that nobody has heard of."""
    return str(uuid.uuid4())


@pytest.fixture
def other() -> str:
    """Another one."""
    return str(uuid.uuid4())


@pytest.fixture
def site() -> str:
    """A site that nobody has heard of."""
    return f"site {uuid.uuid4().hex}"


@pytest.fixture
def http(flux: Project) -> Iterator[httpx.Client]:
    """Plain requests with the anon key."""
    with flux.http() as client:
        yield client


@pytest.fixture
def service(flux: Project) -> Iterator[httpx.Client]:
    """Plain requests with the key of the role service_role."""
    with flux.http(flux.service) as client:
        yield client


@pytest.fixture
def context(flux: Project, device: str, other: str, site: str) -> dict[str, object]:
    """What a scenario of a client is told."""
    return {
        "url": flux.url,
        "anonKey": flux.anon,
        "authenticatedKey": flux.keys["authenticated"],
        "serviceKey": flux.service,
        "userToken": flux.token(),
        "expiredToken": flux.token(expires=1_700_000_000),
        "device": device,
        "other": other,
        "site": site,
    }
