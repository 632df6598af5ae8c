"""Every route of the running application is published: in the OpenAPI description, and so in docs/reference/routes.md."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from starlette.routing import Mount, Route

from wattline.app import Front, create_app
from wattline.platform import Platform
from wattline.settings import Settings

PAGES_OF_THE_DESCRIPTION = {"/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect", "/static-offline-docs"}


def undescribed(paths: Iterable[str], templates: Iterable[str]) -> list[str]:
    """The paths that none of the templates stands for."""
    patterns = [re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))) for template in templates]
    return [path for path in paths if not any(pattern.fullmatch(path) for pattern in patterns)]


async def test_every_route_is_described(tmp_path: Path) -> None:
    async with Platform.open(Settings(data=tmp_path)) as platform:
        front = create_app(platform)
        assert isinstance(front, Front)
        described = front.app.openapi()["paths"]
        served = {route.path for route in front.app.routes if isinstance(route, Route | Mount)}
    assert len(described) >= 14
    # A path that is served without a slash at its end too is described without.
    hot = [path for path in front.hot if path.removesuffix("/") == path or path.removesuffix("/") not in front.hot]
    assert undescribed(hot, described) == []
    assert undescribed(["/rest/v1/a/b", "/elsewhere"], described) == ["/rest/v1/a/b", "/elsewhere"]
    assert served - set(described) == PAGES_OF_THE_DESCRIPTION
    for path, item in described.items():
        for method, operation in item.items():
            assert operation.get("summary"), f"{method} {path}"
            assert operation.get("tags"), f"{method} {path}"
            assert any(status.startswith("2") for status in operation["responses"]), f"{method} {path}"
