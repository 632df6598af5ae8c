"""Every route of the running application is published: in the OpenAPI description, and so in docs/reference/routes.md."""

from __future__ import annotations

from pathlib import Path

from starlette.routing import Mount, Route

from wattline.app import Front, create_app
from wattline.platform import Platform
from wattline.settings import Settings

PAGES_OF_THE_DESCRIPTION = {"/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect", "/static-offline-docs"}


async def test_every_route_is_described(tmp_path: Path) -> None:
    async with Platform.open(Settings(data=tmp_path)) as platform:
        front = create_app(platform)
        assert isinstance(front, Front)
        described = front.app.openapi()["paths"]
        served = {route.path for route in front.app.routes if isinstance(route, Route | Mount)}
    assert len(described) >= 14
    assert set(front.hot) <= set(described)
    assert served - set(described) == PAGES_OF_THE_DESCRIPTION
    for path, item in described.items():
        for method, operation in item.items():
            assert operation.get("summary"), f"{method} {path}"
            assert operation.get("tags"), f"{method} {path}"
            assert "200" in operation["responses"] or "2XX" in operation["responses"], f"{method} {path}"
