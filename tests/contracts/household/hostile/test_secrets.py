"""A whole life with everything logged: no token, key, secret, script, name or address is told in a log, an error or a page."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import httpx

from tests.conftest import sqlite_url
from tests.notify.mailbox import Mailbox, mail_server
from tests.server_process import ServerProcess
from wattline.identity.service import Identity
from wattline.model.clock import SystemClock
from wattline.state.database import Database

MAC = "AA:BB:CC:DD:EE:01"
M = "/api/v1/household"
SECRET = "meter-secret-7d1c"
SCRIPT = ">D\n>B\n->sensor53 r\n>M 1\n+1,3,s,0,9600,VERTRAULICH\n#"
NAME, ADDRESS, REFUSED = "Geheimrat", "weber.private@example.org", "nobody.private@example.org"
GARBAGE = "stray-token-5f3a"
SECONDS = 20


def new_key(data: Path) -> str:
    """A key for everything, made beside the server."""

    async def create() -> str:
        database = Database(sqlite_url(data / "state.db"))
        try:
            identity = Identity(database, SystemClock())
            return (await identity.create("default", "k", [f"household:{each}" for each in ("admin", "ml", "cron")]))[1]
        finally:
            await database.close()

    return asyncio.run(create())


def wait_for(mailbox: Mailbox, count: int) -> None:
    assert mailbox.wait_for(lambda: len(mailbox.mails()) >= count, SECONDS)


def live(http: httpx.Client, key: str) -> tuple[set[str], list[httpx.Response]]:
    """Everything that can be done, well and badly; the secrets that came of it, and every answer of failure."""
    known, failures = {key}, []

    def ask(method: str, path: str, *, auth: str | None = key, **parts: object) -> httpx.Response:
        headers = {} if auth is None else {"Authorization": auth}
        answer = http.request(method, path, headers=headers, **parts)  # type: ignore[arg-type]
        assert answer.status_code < 500, (path, answer.text)
        if answer.status_code >= 400:
            failures.append(answer)
        return answer

    for user, address in (("weber", ADDRESS), ("nobody", REFUSED)):
        body = {"id": user, "name": NAME, "email": address, "report_days": 1}
        assert ask("POST", f"{M}/users", json=body).status_code == 201
        ask("POST", f"{M}/users", json=body)
    token = ask("POST", f"{M}/users/weber/tokens").json()["token"]
    sensor = {"sensor_id": MAC, "script": SCRIPT, "secret": SECRET}
    assert ask("POST", f"{M}/sensors", json=sensor).status_code == 201
    ask("POST", f"{M}/sensors", json=sensor)
    ask("POST", f"{M}/sensors", json=sensor | {"sensor_id": "AA:BB:CC:DD:EE:02", "script": SCRIPT * 99})
    ask("PATCH", f"{M}/sensors/{MAC}", json={"secret": SECRET * 99})
    ask("PATCH", f"{M}/users/weber", json={"email": f"{ADDRESS}\r\nBcc: {REFUSED}"})
    ask("PATCH", f"{M}/users/weber", auth=token, json={"name": NAME, "zone": SECRET})
    device = "AA:BB:CC:DD:EE:03"
    for mac, user in ((MAC, "weber"), (device, "nobody")):
        if mac == device:
            ask("POST", f"{M}/sensors", json={"sensor_id": mac})
        ask("POST", f"{M}/sensors/{mac}/assign", json={"user_id": user})
        asked = {"sensor_id": mac, "secret": SECRET}
        granted = ask("POST", "/token", auth=None, json=asked).json()["access_token"]
        ask("POST", "/token", auth=None, json=asked | {"secret": GARBAGE + SECRET})
        known.add(granted)
        at = int(time.time()) - 50 * 3600
        for hour in range(0, 48, 3):
            reading = {"value": 1000 + hour, "timestamp": at + hour * 3600, "access_token": granted}
            assert ask("POST", "/sensor_input", auth=None, json=reading).status_code == 200
        ask("POST", "/sensor_input", auth=None, json={"value": 9e8, "access_token": granted})
        ask("POST", "/sensor_input", auth=GARBAGE, json={"value": 5, "access_token": granted})
        ask("POST", "/sensor_input", auth=None, content=b"\xff" + granted.encode())
        ask("POST", "/script_accepted", auth=granted)
        ask("POST", "/process_peaks", auth=None, json={"sensor_id": mac, "secret": key})
        ask("POST", "/process_anomaly", auth=None, json={"sensor_id": mac, "secret": key})
        assert ask("POST", "/process_reports", auth=None, json={"user_id": user, "secret": key}).status_code == 200
        ask("POST", "/process_reports", auth=None, json={"user_id": user, "secret": GARBAGE, "further": token})
        ask("POST", "/process_reports", auth=None, content=f'{{"secret": "{key}", ')
    for auth in (GARBAGE, f"Bearer {GARBAGE}", f"Basic {key}", f"{key}x", key[:-1], token[:-1]):
        for path in ("/csv_energy", f"/csv_experiment?experiment_id={SECRET}", f"{M}/users/{key}", "/reports"):
            ask("GET", path, auth=auth)
    ask("GET", f"/csv_energy?start={token}", auth=token)
    ask("GET", "/csv_energy?user_id=nobody", auth=token)
    assert ask("GET", "/csv_energy", auth=token).status_code == 200
    ask("POST", "/ml", json={"sensor_id": SECRET, "id": token, "data": [{"timestamp": key, "power": ADDRESS}]})
    ask("POST", "/ml", json={"data": [{"timestamp": 1, "power": 1}] * 3, "id": GARBAGE * 99})
    ask("PATCH", f"{M}/users/weber", json={"email": REFUSED})
    ask("DELETE", f"{M}/users/nobody")
    ask("DELETE", f"{M}/sensors/{MAC}")
    return known | {token}, failures


def test_nothing_secret_is_told(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with mail_server() as mailbox:
        mailbox.refuse_recipient = lambda recipient: "550 no such mailbox" if recipient == REFUSED else None
        environment = {
            **os.environ,
            "WATTLINE_LOG_LEVEL": "debug",
            "WATTLINE_LOG_FORMAT": "json",
            "WATTLINE_MQTT": "off",
            "WATTLINE_SMTP_HOST": "127.0.0.1",
            "WATTLINE_SMTP_PORT": str(mailbox.port),
            "WATTLINE_SMTP_SECURITY": "none",
        }
        with ServerProcess(data, environment=environment) as server:
            with httpx.Client(base_url=server.url, timeout=30, trust_env=False) as http:
                secrets, failures = live(http, new_key(data))
                wait_for(mailbox, 1)
                public = [http.get(path).text for path in ("/metrics", "/openapi.json")]
            assert server.stop() == 0
        written = server.log.read_text()
    assert ADDRESS in {mail.recipient for mail in mailbox.mails()}
    assert failures
    tried = {*secrets, SECRET, SCRIPT, "VERTRAULICH", NAME, ADDRESS, REFUSED, GARBAGE}
    for text in tried:
        assert text not in written, [line for line in written.splitlines() if text in line][:3]
        assert all(text not in page for page in public), text
    for answer in failures:
        told = answer.text
        assert not [text for text in tried if text in told], (answer.request.url, told)
    assert "Traceback" not in written
