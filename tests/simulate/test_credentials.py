"""The credentials file: private, whole at every moment, and of no use when damaged."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from wattline.simulate.credentials import Credentials, DepotGateway, FluxKeys, HouseholdAccess, JoulepointAccess

KNOWN = Credentials("http://127.0.0.1:8000", "wl_example")


def test_is_private_and_in_the_stated_form(tmp_path: Path) -> None:
    path = KNOWN.write(tmp_path)
    assert path == tmp_path / "credentials.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == {"base_url": "http://127.0.0.1:8000", "hop": {"api_key": "wl_example"}}
    assert Credentials.read(path) == KNOWN


def test_holds_the_key_of_each_role(tmp_path: Path) -> None:
    keys = FluxKeys("a.b.c", "d.e.f", "g.h.i")
    path = Credentials("http://127.0.0.1:8000", "wl_example", flux=keys).write(tmp_path)
    expected = {"anon_key": "a.b.c", "authenticated_key": "d.e.f", "service_role_key": "g.h.i"}
    assert json.loads(path.read_text())["flux"] == expected
    found = Credentials.read(path)
    assert found is not None
    assert found.flux == keys
    assert "g.h.i" not in repr(found)


def test_holds_the_keys_of_the_household_contract(tmp_path: Path) -> None:
    keys = HouseholdAccess("02:57:4C:00:00:10", "guest", "wl_user", "wl_admin", "wl_ml", "wl_cron")
    path = Credentials("http://127.0.0.1:8000", "wl_example", household=keys).write(tmp_path)
    assert list(json.loads(path.read_text())["household"]) == [
        "sensor_id",
        "user_id",
        "user_token",
        "admin_token",
        "ml_api_key",
        "cron_secret",
    ]
    found = Credentials.read(path)
    assert found is not None
    assert found.household == keys
    assert "wl_admin" not in repr(found)


def test_holds_the_access_to_the_depot(tmp_path: Path) -> None:
    mine = JoulepointAccess("key", "secret of the key", 6, "jp_client", "secret of the client", "jp/v1/default/6/energy")
    gateway = DepotGateway("gateway", "secret of the gateway", {"demo-grid": 1})
    path = Credentials("http://127.0.0.1:8000", "wl_example", joulepoint=mine, depot=gateway).write(tmp_path)
    assert list(json.loads(path.read_text())["joulepoint"]) == [
        "device_key",
        "device_secret",
        "meter_id",
        "client_id",
        "client_secret",
        "mqtt_topic",
    ]
    found = Credentials.read(path)
    assert found is not None
    assert (found.joulepoint, found.depot) == (mine, gateway)
    assert "secret of" not in repr(found)


def test_replaces_a_file_that_others_could_read(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    path.write_text("{}")
    path.chmod(0o644)
    before = path.stat().st_ino
    KNOWN.write(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_ino != before
    assert [entry.name for entry in tmp_path.iterdir()] == ["credentials.json"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = KNOWN.write(tmp_path)
    with pytest.raises(TypeError):
        Credentials("http://x", object()).write(tmp_path)  # type: ignore[arg-type]
    assert Credentials.read(path) == KNOWN
    assert [entry.name for entry in tmp_path.iterdir()] == ["credentials.json"]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"base_url": "x"}', '{"base_url": "x", "hop": {"api_key": 5}}', "\xff"]
)
def test_a_damaged_file_is_no_credentials(tmp_path: Path, content: str) -> None:
    path = tmp_path / "credentials.json"
    path.write_text(content, encoding="latin-1")
    assert Credentials.read(path) is None
    assert Credentials.read(tmp_path / "absent.json") is None
