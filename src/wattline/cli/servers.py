"""`wattline serve` and `wattline demo`."""

from __future__ import annotations

import gc
from typing import Annotated

import typer

from wattline.cli.options import BehindProxy, Data, Host, Open, Port, TlsCert, TlsKey, load


def serve(
    data: Data = None,
    host: Host = None,
    port: Port = None,
    open_: Open = False,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    behind_proxy: BehindProxy = False,
) -> None:
    """Serve the contracts until SIGTERM or Ctrl-C. Every WATTLINE_* setting applies too."""
    _let_everything_stay()
    from wattline.cli.process import run

    run(load(data=data, host=host, port=port, open=open_, tls_cert=tls_cert, tls_key=tls_key, behind_proxy=behind_proxy))


def demo(
    data: Data = None,
    port: Port = None,
    simulate: Annotated[bool, typer.Option(help="Run the simulated fleet; without it nothing is sent.")] = True,
) -> None:
    """Serve with a seeded registry, working credentials and a simulated fleet that speaks the public contracts."""
    _let_everything_stay()
    from wattline.cli.demo import introduce, send
    from wattline.cli.process import run

    run(load(data=data, port=port), prepare=introduce, beside=send if simulate else None)


def _let_everything_stay() -> None:
    """What a start makes stays too: nothing is collected until the server is ready."""
    gc.disable()
