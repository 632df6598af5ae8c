"""Bodies: JSON, CSV and forms."""

from __future__ import annotations

import msgspec
import pytest

from tests.contracts.flux.write.asking import Base, shown
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.write.payload import MISSING, parse

JSON = "application/json"
CSV = "text/csv; charset=utf-8"
FORM = "application/x-www-form-urlencoded"


def plain(body: bytes, content_type: str | None = JSON, columns: tuple[str, ...] | None = None) -> tuple[int, object]:
    payload = parse(body, content_type, columns)
    return payload.count, {
        key: [msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value for value in values]
        for key, values in payload.values.items()
    }


@pytest.mark.parametrize(
    ("body", "objects"),
    [
        (b'{"a":1}', (1, {"a": [1]})),
        (b'[{"a":1,"b":"x"},{"b":null,"a":[2]}]', (2, {"a": [1, [2]], "b": ["x", None]})),
        (b'[{"a":1,"a":2}]', (1, {"a": [2]})),
        (b"[{},{}]", (2, {})),
        (b"{}", (1, {})),
        (b"[]", (0, {})),
        (b" 5 ", (0, {})),
        (b"1e999", (0, {})),
        (b'"text"', (0, {})),
        (b"null", (0, {})),
        ('{"ä":"ö"}'.encode(), (1, {"ä": ["ö"]})),
    ],
)
def test_json(body: bytes, objects: tuple[int, object]) -> None:
    assert plain(body) == objects
    assert plain(body, None) == objects
    assert plain(body, "Application/JSON; charset=utf-8") == objects


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Empty or invalid json"),
        (b"{", "Empty or invalid json"),
        (b"[1, {", "Empty or invalid json"),
        (b'{"a":NaN}', "Empty or invalid json"),
        (b'{"a":1} x', "Empty or invalid json"),
        (b'{"a":"\xff"}', "Empty or invalid json"),
        (b'{"a":"\\ud800"}', "Empty or invalid json"),
        (b"[" * 100_000, "Empty or invalid json"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "Empty or invalid json"),
        (b'[{"a":1},{"b":1}]', "All object keys must match"),
        (b'[{"a":1},{"a":1,"b":1}]', "All object keys must match"),
        (b'[{"a":1,"b":1},{"a":1}]', "All object keys must match"),
        (b"[{},5]", "All object keys must match"),
        (b"[1e999]", "All object keys must match"),
        (b"[[]]", "All object keys must match"),
    ],
)
def test_json_that_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse(body, JSON, None)
    assert (caught.value.status, caught.value.code, caught.value.message) == (400, "PGRST102", message)


def test_columns() -> None:
    body = b'[{"a":1,"b":2},{"c":3,"a":4}]'
    assert plain(body, JSON, ("a", "c")) == (2, {"a": [1, 4], "c": [MISSING, 3]})
    assert parse(body, JSON, ("a", "c")).partial == {"c"}
    assert plain(b"[]", JSON, ("a",)) == (0, {})
    assert plain(b"{}", JSON, ("a",)) == (1, {"a": [MISSING]})


@pytest.mark.parametrize(
    ("body", "objects"),
    [
        (b"a,b\n1,NULL\n,x\n", (2, {"a": ["1", ""], "b": [None, "x"]})),
        (b'a,"b,c"\r\n"1 ""x""","y\nz"\r\n', (1, {"a": ['1 "x"'], "b,c": ["y\nz"]})),
        (b"a\n1\n\n2", (2, {"a": ["1", "2"]})),
        (b"a,b", (0, {})),
    ],
)
def test_csv(body: bytes, objects: tuple[int, object]) -> None:
    assert plain(body, CSV) == objects


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"a,b\n1\n", "All lines must have same number of fields"),
        (b"a,b\n1,2,3\n", "All lines must have same number of fields"),
        (b"", "Empty or invalid csv"),
        (b"\xff", "Empty or invalid csv"),
        (b'a\n"x', "Empty or invalid csv: unexpected end of data"),
    ],
)
def test_csv_that_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse(body, CSV, None)
    assert (caught.value.code, caught.value.message) == ("PGRST102", message)


def test_form() -> None:
    assert plain(b"a=1&b=x+y%20z&a=2&c=", FORM) == (1, {"a": ["2"], "b": ["x y z"], "c": [""]})
    with pytest.raises(Refusal) as caught:
        parse(b"a=%ff", FORM, None)
    assert caught.value.code == "PGRST102"


def test_other_media() -> None:
    with pytest.raises(Refusal) as caught:
        parse(b"<a/>", "application/xml; q=1", None)
    assert (caught.value.code, caught.value.message) == ("PGRST102", "Content-Type not acceptable: application/xml")


async def test_rows_of_csv_and_forms(base: Base) -> None:
    body = (
        b"name,type,site,metadata,active,created_at\n"
        b'a,b,c,"{""x"":[1,2]}",t,2024-01-01 12:00:00+00\n'
        b"d,e,f,NULL,NULL,2024-01-01T13:00:00+01\n"
    )
    written = await base("POST", "mg_device_registry", body, content_type="text/csv")
    assert shown(written.rows, "name", "metadata", "active", "created_at") == [
        # A field of CSV is a JSON string, whatever is in it.
        ("a", '"{\\"x\\":[1,2]}"', True, 1_704_110_400_000_000),
        ("d", None, None, 1_704_110_400_000_000),
    ]
    form = b"time=2024-01-01&device_id=123e4567-e89b-12d3-a456-426614174000&soe=1.5&command_source=3"
    written = await base("POST", "mg_bess_readings", form, content_type=FORM)
    assert shown(written.rows, "soe", "command_source", "target_power") == [(1.5, 3, None)]
    refusal = await base.refusal("POST", "mg_bess_readings", form.replace(b"=3", b"=x"), content_type=FORM)
    assert (refusal.code, refusal.message) == ("22P02", 'invalid input syntax for type smallint: "x"')
