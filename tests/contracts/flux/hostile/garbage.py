"""Requests that nobody should send, made of what the contract knows and of what it does not; a seed gives the same ones."""

from __future__ import annotations

import gzip
import json
import random
import string
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_from_bytes

TABLES = (
    "mg_bess_readings",
    "mg_meter_readings",
    "mg_device_registry",
    "market_data",
    "market_data_types",
    "mg_bess_readings_5m",
    "mg_meter_readings_30m_intermediate",
)
FUNCTIONS = ("get_meter_readings_5m", "get_meter_readings_30m", "insert_market_data_batch")
COLUMNS = (
    "time", "device_id", "id", "created_at", "soe", "target_power", "command_source", "frequency", "power_total_active",
    "energy_imported_active", "name", "type", "site", "metadata", "active", "value", "time_b", "soe_avg", "description", "*",
    "metadata->a", "metadata->>a", "metadata->0->>-1", "metadata->a->b->c",
)  # fmt: skip
OPERATORS = (
    "eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "match", "imatch", "in", "is", "isdistinct", "fts", "plfts",
    "phfts", "wfts", "cs", "cd", "ov", "sl", "sr", "nxr", "nxl", "adj", "not.eq", "not.in", "not.is", "eq(any)", "like(all)",
    "fts(german)", "not.not.eq", "EQ", "", "eq(", "like(any)", "not.fts(english)",
)  # fmt: skip
NUMBERS = (
    "0", "-0", "1", "1e308", "1e309", "-1e400", "1e-400", "9223372036854775807", "9223372036854775808", "-9223372036854775809",
    "NaN", "Infinity", "-Infinity", "inf", "0x10", "1_000", "٣", "１２", "1.5", "32768", "2147483648", "9" * 400, "9" * 5000,
    "1e999999999", "0." + "0" * 400 + "1", "+1", " 1 ", "1.", ".5", "--1", "1e",
)  # fmt: skip
TIMES = (
    "2024-01-01", "now", "today", "epoch", "infinity", "-infinity", "2024-02-30", "0000-01-01", "294277-01-01", "4714-01-01 BC",
    "2024-01-01T24:00:00Z", "2024-01-01T12:00:60Z", "2024-01-01 12:00:00+99", "99999999-01-01", "2024-W01", "12:00", "1e10",
    "2024-01-01T12:00:00.9999999999Z", "Jan 1 2024 Europe/London", "2024-01-01 00:00 ../../etc/passwd", "J2451187", "yesterday",
    "tomorrow allballs", "٢٠٢٤-01-01", "2024-01-01T00:00:00+00:00:00:00", "20240101T000000Z", "292277-01-09T04:00:54.775807Z",
)  # fmt: skip
TEXTS = (
    "", " ", "null", "true", "a", "*", "%", "_", "\\", "a\\", '"', '"a', "(", ")", "()", "(1,2)", "(((((", "{", "}", "{}",
    "{1,2}", "{{1},{2}}", '{"a', "[", "[]", "[1", "{\"a\":1}", "'; DROP TABLE mg_bess_readings; --", "' OR 1=1", "\u0000",
    "\ud800", "\U0001f600", "é", "e\u0301", "\u202e", "\ufeff", "\u2028", "a\nb", "a\r\nX: y", "\x7f", "a" * 3000, "%s%n",
    "{0}", "${x}", "../../x", "a,b", "a.b", "a:b", "a->b", "a::b", "->", "->>", "::text", "&", "&&", "!", "a & b | !c",
    "a <-> b", "<1000000000>", "(a+)+$", "(a|a)*b", "a{1,255}{1,255}", "[[:foo:]]", "(?=a)", "\\1", "(?i", "a{99999}",
    "(" * 500, "[a-", "\\", "(?:a*)*", "x" * 20_000, "<2024-01-01", "[1,2)", "(,)", "empty", "default", "\\x00", "\\u0000",
)  # fmt: skip
SELECTS = (
    "*", "*,*", "time", "a:time", "time::text", "time::nonsense", "soe::int", "soe::text::int", "value.sum()", "count()",
    "soe.avg(),*", "mg_device_registry(*)", "mg_device_registry!inner(*)", "x:mg_device_registry(name)",
    "...mg_device_registry(name)", "market_data_types(*)", "market_data(*,market_data_types(*))", "mg_bess_readings(*)",
    "mg_bess_readings(count())", "mg_device_registry(mg_bess_readings(mg_device_registry(*)))",
    "market_data_types!market_data_type_fkey(*)", "nothing(*)", "mg_device_registry!left!inner(*)", "mg_device_registry()",
    "metadata->a", "metadata->>a::int", "b:metadata->a->>b", "metadata->a.count()", "name.max()", "time.min()", "time.sum()",
    "active.avg()", "(", ")", ",", "a:", ":a", "...", "...time", '"time"', '"a\\"b"', '""', "time,", "time::", "time.avg(",
    "*::text", "a" * 5000, "metadata->" * 300 + "a", "mg_device_registry(" * 60, "time,time,time", "a:time,a:soe",
    "site::bytea", "time::timestamptz", "time::date", "soe::float8", "metadata::jsonb", "id::uuid", "value.count()::text",
    "soe.max()::numeric", "time::interval", "soe::bool", "name::int8", "market_data(value.sum(),type)",
)  # fmt: skip
ORDERS = (
    "time", "time.desc", "time.asc.nullslast", "soe.desc.nullsfirst", "nothing", "time.sideways", "metadata->a.desc",
    "time,time,soe", "mg_device_registry(name).desc", "market_data_types(name)", ".desc", "", ",", "time..desc", "*",
    '"time"', "time::text", "(", "time.nullsfirst", "nothing(name)", "mg_bess_readings(time)", "id",
)  # fmt: skip
WINDOWS = (
    "0",
    "1",
    "-1",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "9" * 300,
    "x",
    "",
    "1.5",
    "٣",
    "1e3",
    " 5 ",
)
PREFERS = (
    "count=exact", "count=planned", "count=estimated", "count=x", "return=representation", "return=minimal",
    "return=headers-only", "return=x", "resolution=merge-duplicates", "resolution=ignore-duplicates", "missing=default",
    "missing=null", "handling=strict", "handling=lenient", "timezone=Europe/London", "timezone=../../etc/passwd",
    "timezone=/etc/passwd", "timezone=\xff", "timezone=America", "timezone=UTC\x00", "tx=rollback", "tx=commit",
    "max-affected=1", "max-affected=-1", "max-affected=99999999999999999999", "max-affected=x", "params=single-object", "=",
    ",,,", ";", "a=b=c", "x" * 5000, "return", "timezone=", "timezone=" + "a" * 400,
)  # fmt: skip
ACCEPTS = (
    "*/*", "application/json", "text/csv", "application/vnd.pgrst.object+json",
    "application/vnd.pgrst.array+json;nulls=stripped", "application/vnd.pgrst.object+json;nulls=stripped",
    "application/vnd.pgrst.plan+json", "application/openapi+json", "text/html", "application/octet-stream", "garbage", "",
    ";;;", "a/b;q=9", "*/*;q=0", "text/csv;q=nan, */*;q=-1", "\xff\xfe", "application/geo+json", ",".join(["text/x"] * 500),
    "application/json;charset=utf-16",
)  # fmt: skip
TYPES = (
    "application/json", "text/csv", "application/x-www-form-urlencoded", "application/vnd.pgrst.object+json", "text/plain",
    "application/octet-stream", "multipart/form-data; boundary=x", "garbage", "", "application/json; charset=utf-16", "\xff",
    "text/xml",
)  # fmt: skip
PROFILES = ("flux", "public", "private", "", "Flux", "\xff", "flux, public", "information_schema", "a" * 3000)
BOMB = gzip.compress(bytes(50_000_000), 1)
METHODS = (
    (b"GET",) * 8
    + (b"POST",) * 6
    + (b"PATCH", b"PUT", b"DELETE", b"HEAD") * 2
    + (b"OPTIONS", b"TRACE", b"CONNECT", b"PURGE", b"LINK")
)


@dataclass(frozen=True)
class Request:
    """What is sent."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def __str__(self) -> str:
        return f"{self.method!r} {self.target[:500]!r} {[(n, v[:120]) for n, v in self.headers]} {self.body[:400]!r}"


class Garbage:
    """Makes requests."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def request(self) -> Request:
        """The next one, without a key."""
        method = self.random.choice(METHODS)
        query = self.query()
        if method == b"DELETE":
            # All that is there would be gone soon, and nothing found any more.
            query += (b"&" if query else b"?") + b"created_at=lt.1999-01-01"
        return Request(method, self.path() + query, tuple(self.headers()), self.body() if method != b"GET" else b"")

    def _maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def _pick(self, known: Sequence[str], chance: float = 0.9) -> str:
        return self.random.choice(known) if self._maybe(chance) else self.text()

    def text(self) -> str:
        """Any text."""
        pools: tuple[Sequence[str], ...] = (TEXTS, NUMBERS, TIMES, COLUMNS, TABLES, OPERATORS)
        if self._maybe(0.8):
            return self.random.choice(self.random.choice(pools))
        letters = string.printable + "\u0000\u00e9\u0663\ud800\U0001f600"
        return "".join(self.random.choices(letters, k=self.random.randrange(1, 30)))

    def value(self) -> str:
        """What may stand behind an operator."""
        kinds: tuple[Callable[[], str], ...] = (
            lambda: self.random.choice(NUMBERS),
            lambda: self.random.choice(TIMES),
            lambda: str(uuid.UUID(int=self.random.getrandbits(128))),
            self.text,
            lambda: "(" + ",".join(self.text() for _ in range(self.random.randrange(6))) + ")",
            lambda: "{" + ",".join(self.text() for _ in range(self.random.randrange(6))) + "}",
            lambda: self.random.choice(("null", "true", "false", "unknown", "not_null")),
        )
        return self.random.choice(kinds)()

    def tree(self, depth: int = 0) -> str:
        """A logic tree."""
        if depth > 3 or self._maybe(0.5):
            return f"{self._pick(COLUMNS)}.{self._pick(OPERATORS)}.{self.value()}"
        head = self.random.choice(("and", "or", "not.and", "not.or", "or=", "xor"))
        return f"{head}({','.join(self.tree(depth + 1) for _ in range(self.random.randrange(4)))})"

    def path(self) -> bytes:
        """Where it goes."""
        roll = self.random.random()
        if roll < 0.75:
            return b"/rest/v1/" + self.random.choice(TABLES).encode()
        if roll < 0.9:
            return b"/rest/v1/rpc/" + self.random.choice(FUNCTIONS).encode()
        odd = (
            "",
            "/",
            "rpc",
            "rpc/",
            "rpc/x",
            "a/b/c",
            "%00",
            "%ff",
            "..%2f..",
            "../../etc",
            "market_data/",
            "MARKET_DATA",
            "*",
            "%",
            "é",
        )
        text = self.random.choice(odd) if self._maybe(0.7) else self.text()
        return b"/rest/v1/" + quote_from_bytes(text.encode("utf-8", "surrogatepass"), safe="/%.*").encode()

    def query(self) -> bytes:
        """The query string, or none."""
        makers: tuple[Callable[[], tuple[str, str]], ...] = (
            lambda: ("select", self._some(SELECTS)),
            lambda: ("order", self._some(ORDERS)),
            lambda: (
                self.random.choice(("limit", "offset", "mg_device_registry.limit", "market_data.offset")),
                self._pick(WINDOWS),
            ),
            lambda: (self._pick(COLUMNS), f"{self._pick(OPERATORS)}.{self.value()}"),
            lambda: (self._pick(COLUMNS), f"{self._pick(OPERATORS)}.{self.value()}"),
            lambda: (self.random.choice(("and", "or", "not.and", "not.or")), "(" + self.tree() + ")"),
            lambda: ("columns", ",".join(self._pick(COLUMNS) for _ in range(self.random.randrange(1, 5)))),
            lambda: ("on_conflict", self._pick(("id", "device_id,time", "name", "time", "", "id,id", "nothing"))),
            lambda: (self.random.choice(("start_time", "end_time", "device_ids", "data")), self.value()),
            lambda: (f"{self.random.choice(TABLES)}.{self._pick(COLUMNS)}", f"{self._pick(OPERATORS)}.{self.value()}"),
            lambda: (self.text(), self.text()),
        )
        if self._maybe(0.4):
            makers = makers[:5]
        pairs = [self.random.choice(makers)() for _ in range(self.random.choice((0, 0, 1, 1, 1, 2, 2, 3, 5)))]
        parts = [self._coded(name) + b"=" + self._coded(value) for name, value in pairs]
        if self._maybe(0.1):
            parts.append(
                self.random.choice(
                    (b"=", b"&", b"a", b"%", b"%zz=1", b"%ff=eq.%fe", b"soe=eq.%", b"+=+", b"a=b=c", b"soe=eq.%00")
                )
            )
        return b"?" + b"&".join(parts) if parts else b""

    def _some(self, known: Sequence[str]) -> str:
        return ",".join(self._pick(known, 0.95) for _ in range(self.random.choice((1, 1, 1, 2, 3))))

    def _coded(self, text: str) -> bytes:
        raw = text.encode("utf-8", "surrogatepass")
        return quote_from_bytes(raw, safe="()*,.:>").encode()

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers besides the key."""
        made: list[tuple[str, str]] = []
        pools = (
            ("Prefer", PREFERS), ("Accept", ACCEPTS), ("Content-Type", TYPES), ("Accept-Profile", PROFILES),
            ("Content-Profile", PROFILES),
            ("Range", ("0-9", "5-", "-5", "9-1", "a-b", "0-0", "bytes=0-1", "9" * 20 + "-", "0-" + "9" * 400, "", "\u0663-")),
            ("Range-Unit", ("items", "bytes")), ("Content-Encoding", ("gzip", "br", "identity", "gzip, gzip", "")),
            ("If-None-Match", ("*",)), ("Origin", ("http://evil", "null", "\xff")), ("X-HTTP-Method-Override", ("DELETE",)),
            ("Cookie", ("a=b",)), ("Forwarded", ("for=x",)), ("Accept-Encoding", ("gzip",)),
            ("Access-Control-Request-Method", ("POST", "")),
        )  # fmt: skip
        for name, known in pools:
            if self._maybe(0.4 if name in ("Prefer", "Content-Type") else 0.08):
                repeat = 2 if self._maybe(0.1) else 1
                value = lambda known=known: ", ".join(self.random.choice(known) for _ in range(self.random.choice((1, 1, 2))))  # noqa: E731
                made += [(name, value()) for _ in range(repeat)]
        return [
            (name.encode(), value.encode("utf-8", "replace").replace(b"\0", b"").replace(b"\n", b"").replace(b"\r", b""))
            for name, value in made
        ]

    def thing(self, depth: int = 0) -> Any:
        """Any JSON."""
        kinds: tuple[Callable[[], Any], ...] = (
            lambda: None, lambda: True, lambda: self.random.choice((0, -1, 1.5, 2**31, 2**63, 2**64, 10**400, 1e308, -0.0)),
            self.text, lambda: self.random.choice(TIMES), lambda: str(uuid.UUID(int=self.random.getrandbits(128))),
            lambda: [self.thing(depth + 1) for _ in range(self.random.randrange(4))] if depth < 4 else [],
            lambda: {self._pick(COLUMNS): self.thing(depth + 1) for _ in range(self.random.randrange(4))} if depth < 4 else {},
        )  # fmt: skip
        return self.random.choice(kinds)()

    def row(self) -> dict[str, Any]:
        """Something like a row of some table."""
        row: dict[str, Any] = {}
        for column in COLUMNS[:19]:
            if self._maybe(0.3):
                good = {"time": "2024-01-01T00:00:00Z", "device_id": str(uuid.uuid4()), "name": "x", "type": 1, "site": "s"}
                row[column] = good[column] if column in good and self._maybe(0.7) else self.thing(2)
        return row

    def body(self) -> bytes:
        """The body."""
        roll = self.random.random()
        if roll < 0.4:
            many: Any = [self.row() for _ in range(self.random.randrange(1, 4))]
            thing: Any = many if self._maybe(0.6) else many[0]
        elif roll < 0.6:
            names = ("start_time", "end_time", "device_ids", "data", "x")
            thing = {name: self.thing() for name in names if self._maybe(0.6)}
        elif roll < 0.75:
            thing = self.thing()
        else:
            odd = (
                b"", b" ", b"[", b"{", b'{"a":', b"[" * 5000, b'{"a":' * 5000, b"\xff\xfe[\x00]\x00", b"\x00", b"[]", b"[[]]",
                b"null", b'"\\ud800"', b'[{"time":"\\u0000"}]', b"a,b\n1,2", b"time,device_id\n,", b'time\n"',
                b"time,time\n1,2", b"NaN", b"[NaN]", b'{"time":1e999999}', b'{"a":1,"a":2}', b"\xef\xbb\xbf[]",
                b"time=2024-01-01&device_id=x", b"%ff=%00", b"=&=&&", b"1e400", b'[{"a":1},{"b":2}]', b"[1,2]", b"[null]",
                b"[{},{}]", b"[{}]", b"{}", b",\n,", b"a\r\n\r\n", b"--x\r\n\r\n",
                b'{"metadata":' + b"[" * 900 + b"]" * 900 + b"}", gzip.compress(b"[]"), BOMB, b"[" + b"1," * 5000 + b"1]",
                b'"' + b"a" * 100_000 + b'"',
            )  # fmt: skip
            return self.random.choice(odd)
        whole = json.dumps(thing).encode()
        if self._maybe(0.1):
            whole = whole[: self.random.randrange(len(whole) + 1)]
        return gzip.compress(whole) if self._maybe(0.05) else whole
