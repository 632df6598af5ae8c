"""Settings: where they come from, what depends on what, and what is refused."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

import wattline
from wattline.cli.options import load
from wattline.model.errors import Invalid
from wattline.notify.policy import AlertSettings
from wattline.settings import PREFIX, Settings, unknown_variables

SOURCE = Path(wattline.__file__).parent


def test_the_stores_are_in_the_data_directory_unless_said_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(data=Path("readings"))
    assert settings.data == tmp_path / "readings"
    assert settings.telemetry_url == f"chdb://{tmp_path}/readings/telemetry"
    assert settings.state_url == f"sqlite+aiosqlite:///{tmp_path}/readings/state.db"


def test_every_setting_is_read_from_the_environment_and_overruled_by_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTLINE_PORT", "9001")
    monkeypatch.setenv("WATTLINE_HOST", "localhost")
    monkeypatch.setenv("WATTLINE_NOMINAL_HZ", "50")
    settings = load(port=9002, host=None, open=False)
    assert (settings.port, settings.host, settings.nominal_hz, settings.open) == (9002, "localhost", 50, False)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"port": 70_000}, "port"),
        ({"retention_raw_days": 0}, "retention_raw_days"),
        ({"nominal_hz": 55}, "nominal_hz"),
        ({"scoring_model": "robust-9"}, "scoring_model"),
        ({"bus_url": "mqtt://broker"}, "bus_url"),
        ({"tls_cert": Path("cert.pem")}, "tls_cert and tls_key"),
        ({"smtp_password": "hunter2"}, "smtp_username"),
        ({"smtp_sender": "no address"}, "smtp_sender"),
        ({"smtp_sender": "a@b\r\nBcc: c@d"}, "smtp_sender"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line_without_its_value(given: dict[str, object], named: str) -> None:
    with pytest.raises(Invalid) as refusal:
        load(**given)
    assert named in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


def test_a_password_does_not_show_when_settings_are_printed() -> None:
    assert "hunter2" not in repr(load(smtp_username="ops", smtp_password="hunter2"))


def test_settings_do_not_change_after_the_start() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1


def test_a_misspelt_variable_is_told_apart_from_a_setting() -> None:
    environment = {"WATTLINE_PORT": "1", "wattline_host": "x", "WATTLINE_PROT": "2", "PATH": "/bin"}
    assert unknown_variables(environment) == ["WATTLINE_PROT"]


def test_every_figure_of_alerting_can_be_set_and_has_the_same_default() -> None:
    settings = Settings()
    for figure in fields(AlertSettings):
        assert getattr(settings, f"alert_{figure.name}") == figure.default, figure.name


def test_every_setting_says_what_it_means() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert isinstance(field.json_schema_extra, dict), name
        assert field.json_schema_extra["section"], name
        assert not name.startswith(PREFIX.lower())


def test_no_setting_is_there_for_nothing() -> None:
    texts = [path.read_text("utf-8") for path in SOURCE.rglob("*.py") if path.name != "settings.py" or path.parent != SOURCE]
    for name in Settings.model_fields:
        # Those of alerting are read by name; of the bus there is one kind, and the setting refuses any other.
        if not name.startswith("alert_") and name != "bus_url":
            assert any(re.search(rf"\bsettings\.{name}\b", text) for text in texts), name
