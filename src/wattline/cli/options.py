"""Options that several commands share, and how they become settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from wattline.model.errors import Invalid
from wattline.settings import Settings

Data = Annotated[Path | None, typer.Option(help="Directory of everything that is stored.", show_default="./data")]
Host = Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free one.", show_default="8000")]
Open = Annotated[bool, typer.Option("--open", help="Ask for no credentials (loopback only).")]
TlsCert = Annotated[Path | None, typer.Option(help="Certificate chain (PEM) to serve HTTPS with.")]
TlsKey = Annotated[Path | None, typer.Option(help="Private key (PEM) of the certificate.")]
BehindProxy = Annotated[bool, typer.Option("--behind-proxy", help="A reverse proxy ends TLS in front of this server.")]
Tenant = Annotated[str | None, typer.Option(help="Utility that this is for.", show_default="the default tenant")]


def load(**given: Any) -> Settings:
    """The settings of the environment, overruled by the options that were given. Raises `Invalid`, naming each wrong one."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None and value is not False})
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, problem['loc'])) or 'settings'}: {problem['msg']}" for problem in error.errors()]
        raise Invalid("; ".join(problems)) from error
