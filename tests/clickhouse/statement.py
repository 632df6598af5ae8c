"""What one HTTP request asks of the engine: the SQL, its parameters, its settings, the data that came with it."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

import lz4.frame
from backports import zstd

# Parameters of the HTTP interface itself; every other name in the query string is a setting of the engine.
TRANSPORT = frozenset(
    {
        "buffer_size",
        "client_protocol_version",
        "compress",
        "database",
        "decompress",
        "default_format",
        "enable_http_compression",
        "http_headers_progress_interval_ms",
        "password",
        "query",
        "query_id",
        "quota_key",
        "role",
        "send_progress_in_http_headers",
        "session_check",
        "session_id",
        "session_timeout",
        "user",
        "wait_end_of_query",
    }
)
DECODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "lz4": lz4.frame.decompress,
    "zstd": zstd.decompress,
}
INSERT_WITH_DATA = re.compile(
    rb"\s*(INSERT\s+INTO\b.*?)\bFORMAT\s+(\w+)[ \t]*(?:;[ \t]*)?(?:\r?\n|$)", re.IGNORECASE | re.DOTALL
)
TRAILING_FORMAT = re.compile(rb"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
READS = re.compile(rb"\s*(SELECT|WITH|SHOW|DESC|DESCRIBE|EXISTS|EXPLAIN)\b", re.IGNORECASE)
SELECTS = re.compile(rb"\s*(SELECT|WITH)\b", re.IGNORECASE)


@dataclass(slots=True)
class Statement:
    """One statement, ready to run. `data` is None unless rows came with an INSERT in the format `data_format`."""

    sql: bytes
    format: str
    transport: Mapping[str, str]
    parameters: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    data: bytes | None = None
    data_format: str = ""

    @property
    def selects(self) -> bool:
        return SELECTS.match(self.sql) is not None

    @property
    def reads(self) -> bool:
        return READS.match(self.sql) is not None


def _form(body: bytes, content_type: str) -> dict[str, str]:
    """The fields of a multipart form: how a client sends a query whose parameters are too long for a URL."""
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    fields = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            fields[name] = payload.decode()
    return fields


def parse(query_string: str, body: bytes, content_type: str) -> Statement:
    """Read a request as the HTTP interface defines it: the `query` parameter first, then the body, whichever are there."""
    arguments = dict(parse_qsl(query_string, keep_blank_values=True))
    if content_type.startswith("multipart/form-data"):
        arguments |= _form(body, content_type)
        body = b""
    sql = b"\n".join(part for part in (arguments.get("query", "").encode(), body) if part)
    statement = Statement(
        sql=sql,
        format=arguments.get("default_format", "TabSeparated"),
        transport={name: value for name, value in arguments.items() if name in TRANSPORT},
        parameters={name[6:]: value for name, value in arguments.items() if name.startswith("param_")},
        settings={name: value for name, value in arguments.items() if name not in TRANSPORT and not name.startswith("param_")},
    )
    insert = INSERT_WITH_DATA.match(sql)
    if insert is not None:
        statement.sql = insert.group(1)
        statement.data_format = insert.group(2).decode()
        statement.data = sql[insert.end() :]
    elif (trailing := TRAILING_FORMAT.search(sql)) is not None:
        statement.format = trailing.group(1).decode()
    return statement
