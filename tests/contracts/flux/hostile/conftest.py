"""A started server with two tenants and some rows of each, for all tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.flux.clients.project import ROLES, Project, key, project
from tests.contracts.flux.hostile.world import fill

OTHER = "other"


@pytest.fixture(scope="session")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project without rate limits, with rows that the random requests can hit."""
    with project(tmp_path_factory.mktemp("hostile")) as started:
        fill(started, started.service)
        yield started


@pytest.fixture(scope="session")
def other(victim: Project) -> dict[str, str]:
    """Keys of another tenant of the same server, by role."""
    return {role: key(victim.server.data, role, OTHER) for role in ROLES}
