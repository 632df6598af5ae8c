"""Write docs/reference from the code: settings, metrics, routes, commands. With --check, only tell what is out of date."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import typer
from pydantic.fields import FieldInfo
from starlette.routing import BaseRoute, Mount, Route
from typer.core import TyperArgument, TyperGroup

from wattline.app import Front, create_app
from wattline.cli.program import program
from wattline.metrics import Metrics
from wattline.platform import Platform
from wattline.settings import PREFIX, Settings

DIRECTORY = Path(__file__).parent.parent / "docs" / "reference"
GENERATED = "<!-- Written by `make docs`; do not edit. -->\n"
SIZES = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def _default(name: str, field: FieldInfo) -> str:
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "shown" in extra:
        return f"`{extra['shown']}`"
    if field.default is None:
        return "none"
    if name.endswith("_bytes"):
        for size, unit in SIZES:
            if field.default % size == 0:
                return f"`{field.default}` ({field.default // size} {unit})"
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def settings_page() -> str:
    """Every setting, by section, in the order of the code."""
    sections: dict[str, list[list[str]]] = {}
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict)
        row = [f"`{PREFIX}{name.upper()}`", _default(name, field), field.description or ""]
        sections.setdefault(str(extra["section"]), []).append(row)
    parts = [
        "# Settings\n",
        GENERATED,
        "Each is an environment variable. `DATA` stands for the value of `WATTLINE_DATA`. An option of a command "
        "overrules its variable ([commands](commands.md)). A variable that begins with `WATTLINE_` and is not listed here "
        "is reported in the log at the start.\n",
    ]
    for section, rows in sections.items():
        parts += [f"## {section}\n", table(["variable", "default", "meaning"], rows)]
    return "\n".join(parts)


def metrics_page() -> str:
    """Every metric of ours."""
    rows = [
        [f"`{family.name}`", family.kind, ", ".join(f"`{label}`" for label in family.labels), family.help]
        for family in Metrics().families()
    ]
    return "\n".join(
        [
            "# Metrics\n",
            GENERATED,
            "Served at `/metrics` in the Prometheus text format, together with the usual `process_*` and `python_gc_*`.\n",
            table(["name", "kind", "labels", "meaning"], rows),
        ]
    )


def leaves(routes: Iterable[BaseRoute], prefix: str = "") -> list[tuple[str, str]]:
    """(method, path) of every route of an application, those of mounted ones included; files of a mount are one path."""
    found: list[tuple[str, str]] = []
    for route in routes:
        if isinstance(route, Mount):
            inner = list(route.routes or [])
            found += leaves(inner, prefix + route.path) if inner else [("GET", f"{prefix}{route.path}/{{file}}")]
        elif isinstance(route, Route):
            methods = (route.methods or {"GET"}) - {"HEAD", "OPTIONS"}
            found += [(method, prefix + route.path) for method in sorted(methods)]
    return found


def routes_page(routes: Iterable[BaseRoute], schema: dict[str, Any]) -> str:
    """Every route: those of a contract with their summary, and those that serve the server itself."""
    described: dict[str, list[list[str]]] = {}
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            group = (operation.get("tags") or ["other"])[0]
            row = [method.upper(), f"`{path}`", operation.get("summary", "")]
            described.setdefault(group, []).append(row)
    known = {(row[0], row[1].strip("`")) for rows in described.values() for row in rows}
    rest = sorted({leaf for leaf in leaves(routes) if leaf not in known}, key=lambda leaf: (leaf[1], leaf[0]))
    parts = [
        "# Routes\n",
        GENERATED,
        "What each takes and answers is told by the server itself at `/docs`, `/redoc` and `/openapi.json`.\n",
    ]
    for group, rows in described.items():
        parts += [f"## {group}\n", table(["method", "path", "what it does"], rows)]
    parts += ["## The server itself\n", table(["method", "path"], [[method, f"`{path}`"] for method, path in rest])]
    return "\n".join(parts)


def _option(parameter: Any) -> list[str]:
    name = ", ".join(f"`{each}`" for each in [*parameter.opts, *parameter.secondary_opts])
    if isinstance(parameter, TyperArgument):
        name = f"`{parameter.name.upper()}`"
    return [name, getattr(parameter, "help", None) or ""]


def _command(words: str, command: Any) -> list[str]:
    if isinstance(command, TyperGroup):
        return [part for name, inner in command.commands.items() for part in _command(f"{words} {name}", inner)]
    parts = [f"## {words}\n", f"{command.help}\n"]
    if command.params:
        parts.append(table(["option", "meaning"], map(_option, command.params)))
    return parts


def commands_page() -> str:
    """Every command with its options."""
    return "\n".join(["# Commands\n", GENERATED, *_command("wattline", typer.main.get_command(program))])


async def pages() -> dict[str, str]:
    """The reference, by file name. The routes are those of a platform that is really opened."""
    with tempfile.TemporaryDirectory() as directory:
        async with Platform.open(Settings(data=Path(directory))) as platform:
            front = create_app(platform)
            assert isinstance(front, Front)
            routes = routes_page(front.app.routes, front.app.openapi())
    return {
        "commands.md": commands_page(),
        "metrics.md": metrics_page(),
        "routes.md": routes,
        "settings.md": settings_page(),
    }


def main() -> None:
    """Write, or with --check compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a page is out of date")
    parser.add_argument("--into", type=Path, default=DIRECTORY, help="directory of the pages")
    arguments = parser.parse_args()
    stale = []
    for name, text in asyncio.run(pages()).items():
        path = arguments.into / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not arguments.check:
            path.write_text(text, encoding="utf-8")
    if arguments.check and stale:
        sys.exit(f"out of date, run `make docs`: {', '.join(stale)}")


if __name__ == "__main__":
    main()
