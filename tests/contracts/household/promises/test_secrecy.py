"""A home's whole life at a real server that writes every line it has: nothing in them opens a door or tells who lives there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from tests.contracts.household.test_ml import peak
from tests.notify.mailbox import Mailbox, mail_server
from tests.server_process import ServerProcess
from wattline.cli.program import program

SCRIPT = ">D\n>B\n->sensor53 r\n>M 1\n+1,3,s,0,9600,WHISPERED\n#"
SECRET = "open sesame 4711"
PERSON = {"id": "home-1", "name": "Hushhush", "firstname": "Quietly", "lastname": "Unheard", "email": "not.told@example.org"}
REFUSED = {"id": "home-2", "name": "Hushhush", "email": "turned.away@example.org"}
SECONDS = 20


class Life:
    """Who manages, lives in and reads a home; everything that must stay secret is kept in `secrets`."""

    def __init__(self, client: httpx.Client, keys: dict[str, str]) -> None:
        self.client = client
        self.mac = ""
        self.keys = keys
        self.secrets = {*keys.values(), SECRET, "WHISPERED", "Hushhush", "Quietly", "Unheard", "not.told", "turned.away"}

    def ask(self, method: str, path: str, status: int = 200, key: str | None = None, **parts: Any) -> Any:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        answer = self.client.request(method, path, headers=headers, **parts)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.headers.get("content-type") == "application/json" else answer.text

    def manage(self, method: str, path: str, status: int = 200, **body: Any) -> Any:
        return self.ask(method, f"/api/v1/household{path}", status, self.keys["admin"], json=body)

    def token(self) -> str:
        granted = self.ask("POST", "/token", json={"sensor_id": self.mac, "secret": SECRET, "need_script": True})
        assert granted["script"] == SCRIPT
        self.secrets.add(granted["access_token"])
        return str(granted["access_token"])

    def move_in(self, person: dict[str, str]) -> str:
        """A household with the meter; its token."""
        self.manage("POST", "/users", 201, **person)
        self.manage("POST", "/users", 409, **person)
        self.manage("PATCH", f"/users/{person['id']}", 400, email=person["email"].replace("@", "@@"))
        self.mac = f"AA:BB:CC:DD:EE:0{person['id'][-1]}"
        self.manage("POST", "/sensors", 201, sensor_id=self.mac, script=SCRIPT, secret=SECRET)
        self.manage("POST", f"/sensors/{self.mac}/assign", user_id=person["id"])
        own = self.manage("POST", f"/users/{person['id']}/tokens", 201)["token"]
        self.secrets.add(own)
        return str(own)

    def read(self, now: int) -> None:
        """What the meter sends of two days, and what no server takes."""
        token = self.token()
        for hour in range(48, -1, -4):
            sent = {"value": 1000 - hour / 4, "timestamp": now - hour * 3600}
            self.ask("POST", "/sensor_input", key=token, json=sent)
        for bad in ({"value": 9000.0}, {"value": -1}, {"value": SECRET}, {"value": 1, "access_token": "A" * 30}):
            self.ask("POST", "/sensor_input", 401 if "access_token" in bad else 400, token, json=bad)
        self.ask("POST", "/token", 401, json={"sensor_id": self.mac, "secret": SECRET[:-1]})
        self.ask("POST", "/script_accepted", 404, token, json={"script_id": "0" * 16})
        self.ask("POST", "/script_accepted", key=token)

    def look(self, user: str, own: str) -> None:
        """What is made of it, with every key and with wrong ones."""
        for sensor in ("/process_peaks", "/process_anomaly"):
            self.ask("POST", sensor, 404, json={"sensor_id": self.mac, "secret": self.keys["cron"]})
            self.ask("POST", sensor, 401, json={"sensor_id": self.mac, "secret": own})
        self.ask("POST", "/process_reports", json={"user_id": user, "secret": self.keys["cron"]})
        for path in ("/mark_peaks", "/anomaly", "/reports"):
            self.ask("GET", path, key=self.keys["cron"])
        self.ask("POST", "/ml", key=self.keys["ml"], json={"sensor_id": self.mac, "data": peak()})
        self.ask("POST", "/ml", 400, self.keys["ml"], json={"data": [SECRET]})
        assert len(self.ask("GET", "/csv_energy", key=own).splitlines()) == 14
        self.ask("GET", "/csv_energy", 400, own, params={"start": SECRET})
        self.ask("GET", f"/api/v1/household/users/{user}", key=own)
        self.ask("GET", "/csv_energy", 401, self.keys["ml"])


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A mail server of this test's own."""
    with mail_server() as made:
        yield made


def told(mailbox: Mailbox) -> None:
    """Wait until the one mail arrived and the other one was refused."""
    assert mailbox.wait_for(lambda: len(mailbox.mails()) >= 1 and mailbox.sessions >= 2, SECONDS)


def test_no_line_of_a_log_holds_a_secret_or_who_lives_there(tmp_path: Path, mailbox: Mailbox) -> None:
    keys = {}
    for scope in ("admin", "ml", "cron"):
        create = ["key", "create", "--contract", "household", "--name", scope, "--scope", f"household:{scope}"]
        made = CliRunner().invoke(program, [*create, "--data", str(tmp_path / "data")])
        keys[scope] = made.stdout.strip()
    mail = {"WATTLINE_SMTP_HOST": "127.0.0.1", "WATTLINE_SMTP_PORT": str(mailbox.port), "WATTLINE_SMTP_SECURITY": "none"}
    mail |= {"WATTLINE_LOG_LEVEL": "debug", "WATTLINE_MQTT": "off"}
    mailbox.refuse_recipient = lambda to: f"550 5.1.1 <{to}>: unknown" if to == REFUSED["email"] else None
    with ServerProcess(tmp_path / "data", environment=mail) as server, httpx.Client(base_url=server.url) as client:
        life = Life(client, keys)
        for person in (PERSON, REFUSED):
            own = life.move_in(person)
            life.read(int(time.time()))
            life.look(person["id"], own)
        told(mailbox)
        life.manage("DELETE", f"/users/{PERSON['id']}", 204)
        assert server.stop() == 0
    log = server.log.read_text()
    assert "kind=report" in log
    assert [secret for secret in sorted(life.secrets) if secret in log] == []
