"""Structured logs on standard error, as lines for people or as JSON, with no secret in them.

The standard library's logging runs through the same chain, so what a library writes is redacted too.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Literal, TextIO

from wattline.lean import without_rich

with without_rich():
    import structlog
    from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"
SECRET_KEY = re.compile(r"secret|password|passwd|authorization|api_?key|token|cookie|credential", re.IGNORECASE)
API_KEY = re.compile(r"\b(?:wl_|sb_(?:publishable|secret)_|eyJ[A-Za-z0-9_-]*\.)[A-Za-z0-9._~+/=-]{6,}")
URL_PASSWORD = re.compile(r"(?<=://)([^\s:/@]*):[^\s/@]+@")
# Their everyday chatter is of no use to an operator.
QUIET = ("uvicorn", "httpx", "httpcore", "alembic", "aiosqlite", "asyncio", "clickhouse_connect", "mail.log")


def redact_text(text: str) -> str:
    """The text without API keys and without the passwords of URLs."""
    return URL_PASSWORD.sub(rf"\1:{REDACTED}@", API_KEY.sub(REDACTED, text))


def redact(value: Any) -> Any:
    """The value, at any depth, without anything that looks like a secret or is filed under a secret's name."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {
            redact_text(str(key)): REDACTED if SECRET_KEY.search(str(key).replace("-", "_")) else redact(part)
            for key, part in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(part) for part in value]
    return redact_text(value if isinstance(value, str) else str(value))


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The structlog processor: last before the renderer, so that rendered exceptions pass through it too."""
    clean: EventDict = redact(event)
    return clean


def _formatter(log_format: Literal["console", "json"], colors: bool) -> logging.Formatter:
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    # Exceptions are rendered as plain text: a rich traceback would print local variables, secrets among them.
    after: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact_event,
    ]
    if log_format == "json":
        after.append(structlog.processors.JSONRenderer(sort_keys=False))
    else:
        after.append(structlog.dev.ConsoleRenderer(colors=colors, timestamp_key="time"))
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=after)


def configure_logs(
    level: Literal["debug", "info", "warning", "error"] = "info",
    log_format: Literal["console", "json"] = "console",
    stream: TextIO | None = None,
) -> None:
    """Set up the logging of this process; called once by a command, and again by a test that wants other terms."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(log_format, colors=stream.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
