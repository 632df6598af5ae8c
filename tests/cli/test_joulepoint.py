"""`wattline joulepoint client`, and a client of others, authlib, that obtains and uses a token on a real server."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from authlib.integrations.requests_client import OAuth2Session
from typer.testing import CliRunner

from tests.server_process import ServerProcess
from wattline.cli.program import program
from wattline.model.principal import JOULEPOINT


def run(data: Path, *words: str) -> tuple[list[str], str]:
    """The lines on standard output of a command, and everything that it printed."""
    found = CliRunner().invoke(program, ["joulepoint", "client", *words, "--data", str(data)])
    assert found.exit_code == 0, found.output
    return found.stdout.splitlines(), found.output


def client(server: ServerProcess, client_id: str, secret: str, method: str, scope: str | None = None) -> OAuth2Session:
    """authlib's client of a server."""
    return OAuth2Session(
        client_id, secret, token_endpoint_auth_method=method, revocation_endpoint_auth_method=method, scope=scope,
        token_endpoint=f"{server.url}/oauth/token", grant_type="client_credentials",
    )  # fmt: skip


def test_a_client_of_others_obtains_and_uses_a_token(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (client_id, secret), _ = run(data, "create", "--name", "erp")
    with ServerProcess(data, environment={"WATTLINE_MQTT": "false"}) as server:
        credentials = f"{server.url}/api/integrations/credentials"
        described = httpx.get(f"{server.url}/.well-known/oauth-authorization-server").json()
        assert described["token_endpoint"] == f"{server.url}/oauth/token"
        for method in ("client_secret_basic", "client_secret_post"):
            with client(server, client_id, secret, method) as each:
                token = each.fetch_token(described["token_endpoint"])
                assert set(token["scope"].split()) == JOULEPOINT
                shown = each.get(credentials).json()["results"]
                assert [one["client_id"] for one in shown] == [client_id]
                asked = each.introspect_token(described["introspection_endpoint"], token["access_token"])
                assert asked.json()["active"] is True
                gone = each.revoke_token(described["revocation_endpoint"], token["access_token"])
                assert gone.status_code == 200
                refused = httpx.get(credentials, headers={"Authorization": f"Bearer {token['access_token']}"})
                assert refused.status_code == 401
                assert refused.headers["content-type"] == "application/problem+json"
        with client(server, client_id, secret, "client_secret_basic", "energy:read") as narrow:
            narrow.fetch_token(described["token_endpoint"])
            assert narrow.get(credentials).status_code == 403

        _, rotated = run(data, "rotate", client_id, "--overlap", "0")[0]
        with client(server, client_id, secret, "client_secret_basic") as old, pytest.raises(Exception, match="invalid_client"):
            old.fetch_token(described["token_endpoint"])
        with client(server, client_id, rotated, "client_secret_basic") as new:
            new.fetch_token(described["token_endpoint"])
        run(data, "revoke", client_id)
        with (
            client(server, client_id, rotated, "client_secret_basic") as gone,
            pytest.raises(Exception, match="invalid_client"),
        ):
            gone.fetch_token(described["token_endpoint"])
        log = server.log.read_text()
    assert secret not in log
    assert rotated not in log


def test_a_list_shows_clients_without_their_secrets(tmp_path: Path) -> None:
    (whole, secret), _ = run(tmp_path, "create", "--name", "erp")
    (narrow, _), _ = run(tmp_path, "create", "--name", "yard", "--tenant", "north", "--scope", "pq:read", "--site", "main")
    run(tmp_path, "rotate", whole)
    run(tmp_path, "revoke", narrow)
    _, shown = run(tmp_path, "list")
    assert whole in shown
    assert "everything" in shown
    assert "2 secrets" in shown
    assert narrow in shown
    assert "revoked" in shown
    assert secret not in shown
    assert narrow not in run(tmp_path, "list", "--tenant", "default")[1]


@pytest.mark.parametrize(
    "words", [("create", "--name", "x", "--scope", "query:read"), ("rotate", "jp_none"), ("revoke", "jp_none", "--tenant", "x")]
)
def test_what_cannot_be_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    found = CliRunner().invoke(program, ["joulepoint", "client", *words, "--data", str(tmp_path)])
    assert found.exit_code != 0
