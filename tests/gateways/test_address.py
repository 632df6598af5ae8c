"""Addresses of brokers, and the name of our session."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattline.gateways.address import Address, parse_url, session_name
from wattline.model.errors import Invalid


@pytest.mark.parametrize(
    ("url", "address", "shown"),
    [
        ("mqtt://broker", Address("broker", 1883, False), "mqtt://broker:1883"),
        ("mqtts://broker/", Address("broker", 8883, True), "mqtts://broker:8883"),
        ("mqtt://me:p%40ss%3A@10.0.0.1:99", Address("10.0.0.1", 99, False, "me", "p@ss:"), "mqtt://10.0.0.1:99"),
        ("mqtt://me@[::1]:99", Address("::1", 99, False, "me"), "mqtt://[::1]:99"),
    ],
)
def test_addresses(url: str, address: Address, shown: str) -> None:
    found = parse_url(url)
    assert found == address
    assert found.shown == shown
    assert "p@ss" not in repr(found)


@pytest.mark.parametrize(
    "url",
    ["", "broker", "http://broker", "mqtt://", "mqtt://b:0", "mqtt://b:x", "mqtt://b/path", "mqtt://:pw@b", "mqtt://b?q=1"],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_url(url)
    assert "pw" not in str(caught.value)


def test_a_data_directory_keeps_its_session(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    name = session_name(tmp_path)
    assert session_name(tmp_path) == name != session_name(tmp_path / "other")
    # 3.1.1 lets a server insist on 23 letters and digits at most; hyphens every broker takes.
    assert len(name) <= 25
