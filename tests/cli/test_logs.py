"""Logs: what must never be in them, whoever wrote the line."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from wattline.logs import REDACTED, configure_logs, redact

KEY = "wl_Ab3dEfGh1jKlMnOpQrStUvWxYz0123456789"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def written() -> io.StringIO:
    stream = io.StringIO()
    configure_logs("debug", "json", stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


SECRET_NAMES = (
    "secret client_secret password smtp_password Authorization X-API-Key x_api_key apikey api_key token access_token "
    "Set-Cookie credentials"
)


@pytest.mark.parametrize("name", SECRET_NAMES.split())
def test_what_is_filed_under_a_secrets_name_is_not_written(written: io.StringIO, name: str) -> None:
    structlog.get_logger("wattline").info("asked", **{name: "hunter2", "site": "SUB001"})
    assert "hunter2" not in written.getvalue()
    assert lines(written)[0][name] == REDACTED
    assert lines(written)[0]["site"] == "SUB001"


def test_a_key_inside_any_text_is_not_written(written: io.StringIO) -> None:
    structlog.get_logger("wattline").warning(f"refused {KEY}", detail=f"key={KEY};", parts=[{"deep": (KEY, 1)}])
    assert KEY not in written.getvalue()
    assert lines(written)[0]["event"] == f"refused {REDACTED}"
    assert lines(written)[0]["parts"] == [{"deep": [REDACTED, 1]}]


@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYW5vbiJ9.fgRT-7ossrB1AGpRYC2D2VnEyIvZx7jeyGRmyDvfPmY",
        "sb_secret_abcdefgh_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "sb_publishable_abcdefgh_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ],
)
def test_a_token_inside_any_text_is_not_written(written: io.StringIO, secret: str) -> None:
    structlog.get_logger("wattline").warning(f"refused apikey={secret}&x=1", detail=f"Bearer {secret}")
    assert secret not in written.getvalue()
    assert secret[-20:] not in written.getvalue()
    assert lines(written)[0]["event"] == f"refused apikey={REDACTED}&x=1"


def test_a_key_used_as_a_name_is_not_written(written: io.StringIO) -> None:
    structlog.get_logger("wattline").info("seen", keys={KEY: 3})
    assert KEY not in written.getvalue()


def test_the_password_of_an_address_is_not_written(written: io.StringIO) -> None:
    structlog.get_logger("wattline").info("starting", state="postgresql+psycopg://wattline:hunter2@db:5432/state")
    assert lines(written)[0]["state"] == f"postgresql+psycopg://wattline:{REDACTED}@db:5432/state"


def test_an_exception_is_written_without_the_secret_in_it(written: io.StringIO) -> None:
    def fail(api_key: str) -> None:
        raise RuntimeError(f"no such key: {api_key}")

    try:
        fail(KEY)
    except RuntimeError:
        structlog.get_logger("wattline").exception("lost")
    assert KEY not in written.getvalue()
    assert f"RuntimeError: no such key: {REDACTED}" in lines(written)[0]["exception"]


def test_what_a_library_writes_is_redacted_too(written: io.StringIO) -> None:
    logging.getLogger("some.library").warning("header %s and %s", {"x": KEY}, "http://u:hunter2@h/")
    assert KEY not in written.getvalue()
    assert "hunter2" not in written.getvalue()
    assert lines(written)[0]["logger"] == "some.library"
    assert lines(written)[0]["level"] == "warning"


def test_an_object_is_written_as_its_redacted_text(written: io.StringIO) -> None:
    class Device:
        def __repr__(self) -> str:
            return f"Device(key={KEY})"

    structlog.get_logger("wattline").info("seen", device=Device())
    assert lines(written)[0]["device"] == f"Device(key={REDACTED})"


def test_the_console_form_is_redacted_and_shows_no_local_variables() -> None:
    stream = io.StringIO()
    configure_logs("info", "console", stream)

    def fail(api_key: str) -> float:
        return len(api_key) / 0

    try:
        fail(KEY)
    except ZeroDivisionError:
        structlog.get_logger("wattline").exception("lost", password="hunter2")
    assert "ZeroDivisionError" in stream.getvalue()
    assert KEY not in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


def test_lines_below_the_level_and_everyday_chatter_are_left_out() -> None:
    stream = io.StringIO()
    configure_logs("info", "json", stream)
    structlog.get_logger("wattline").debug("detail")
    logging.getLogger("httpx").info("HTTP Request")
    structlog.get_logger("wattline").info("kept", at=1.5)
    assert [(line["event"], line["at"]) for line in lines(stream)] == [("kept", 1.5)]
    assert lines(stream)[0]["time"].endswith("Z")


def test_numbers_and_truth_keep_their_kind() -> None:
    assert redact({"n": 1, "x": 1.5, "ok": True, "none": None}) == {"n": 1, "x": 1.5, "ok": True, "none": None}
