"""The demo's credentials file: DATA/credentials.json, readable by its owner alone, replaced in one step."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec

FILE_NAME = "credentials.json"


@dataclass(frozen=True, slots=True)
class MqttAccess:
    """Where the MQTT broker is, who may connect, and the first level of all topics."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    prefix: str = "microlink"
    tls: bool = False

    @property
    def url(self) -> str:
        """The address without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class FluxKeys:
    """The Flux contract's key of each role."""

    anon_key: str = field(repr=False)
    authenticated_key: str = field(repr=False)
    service_role_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class HouseholdAccess:
    """A household whose meter nobody simulates, and the keys of the household contract: `sensor_id` is the meter's MAC."""

    sensor_id: str
    user_id: str
    user_token: str = field(repr=False)
    admin_token: str = field(repr=False)
    ml_api_key: str = field(repr=False)
    cron_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class JoulepointAccess:
    """A three-phase meter that nobody simulates, its device key, and a client of OAuth 2.0 with every scope."""

    device_key: str = field(repr=False)
    device_secret: str = field(repr=False)
    meter_id: int
    client_id: str
    client_secret: str = field(repr=False)
    mqtt_topic: str


@dataclass(frozen=True, slots=True)
class DepotGateway:
    """What the simulated depot's gateway sends with, and the ids of its meters by their external ids."""

    key: str = field(repr=False)
    secret: str = field(repr=False)
    meters: dict[str, int]


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where the server is and the working credential of each contract; None where there is none."""

    base_url: str
    hop_api_key: str = field(repr=False)
    mcs_api_key: str | None = field(default=None, repr=False)
    mqtt: MqttAccess | None = None
    flux: FluxKeys | None = None
    household: HouseholdAccess | None = None
    joulepoint: JoulepointAccess | None = None
    depot: DepotGateway | None = None

    def _content(self) -> dict[str, Any]:
        content: dict[str, Any] = {"base_url": self.base_url, "hop": {"api_key": self.hop_api_key}}
        if self.mcs_api_key is not None:
            content["mcs"] = {"api_key": self.mcs_api_key}
        for name in ("mqtt", "flux", "household", "joulepoint", "depot"):
            part = getattr(self, name)
            if part is not None:
                content[name] = asdict(part)
        return content

    def write(self, directory: Path) -> Path:
        """Store as DIRECTORY/credentials.json with mode 0600; a reader sees the old file or the new one, never a part."""
        handle, name = tempfile.mkstemp(prefix=".credentials-", dir=directory)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), 0o600)
                json.dump(self._content(), file, indent=2)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            target = directory / FILE_NAME
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return target

    @classmethod
    def read(cls, path: Path) -> Credentials | None:
        """What the file says; None where there is none or it cannot be understood."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=_File).credentials()
        except (OSError, msgspec.MsgspecError):
            return None


class _Key(msgspec.Struct):
    api_key: str


class _File(msgspec.Struct):
    base_url: str
    hop: _Key
    mcs: _Key | None = None
    mqtt: MqttAccess | None = None
    flux: FluxKeys | None = None
    household: HouseholdAccess | None = None
    joulepoint: JoulepointAccess | None = None
    depot: DepotGateway | None = None

    def credentials(self) -> Credentials:
        mcs = None if self.mcs is None else self.mcs.api_key
        return Credentials(
            self.base_url, self.hop.api_key, mcs, self.mqtt, self.flux, self.household, self.joulepoint, self.depot
        )
