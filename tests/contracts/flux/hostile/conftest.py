"""A started server with two tenants and some rows of the first, for all tests of a worker."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.contracts.flux.clients.project import ROLES, SECRET, Project, project
from tests.contracts.flux.hostile.world import fill


@pytest.fixture(scope="session")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project without rate limits, with rows that the random requests can hit."""
    with project(tmp_path_factory.mktemp("hostile")) as started:
        fill(started, started.service)
        yield started


def _key(victim: Project, role: str) -> str:
    command = [sys.executable, "-m", "wattline", "key", "create", "--contract", "flux", "--tenant", "other", "--role", role]
    done = subprocess.run(
        [*command, "--name", role, "--data", str(victim.server.data)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "WATTLINE_FLUX_JWT_SECRET": SECRET},
        timeout=60,
    )
    return done.stdout.strip()


@pytest.fixture(scope="session")
def other(victim: Project) -> dict[str, str]:
    """Keys of another tenant of the same server, by role."""
    return {role: _key(victim, role) for role in ROLES}
