"""`wattline household ...` and `wattline key create --contract household`: homes and their meters, beside whatever runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import click.testing
import pytest
from typer.testing import CliRunner

from wattline.cli.household_parts import Parts, opened_parts
from wattline.cli.program import program
from wattline.households.accounts.model import Participant, Tariff
from wattline.households.meters.model import Kind
from wattline.model.errors import Conflict, Invalid, NotFound, Unauthenticated, Unavailable
from wattline.settings import Settings

T = TypeVar("T")
Wattline = Callable[..., click.testing.Result]
MAC = "AA:BB:CC:DD:EE:01"


@pytest.fixture
def wattline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wattline:
    """The command line inside of this process, in an empty directory; what it raises is raised."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, stdin: str | None = None) -> click.testing.Result:
        result = CliRunner().invoke(program, arguments, input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def on(directory: Path, work: Callable[[Parts], Awaitable[T]]) -> T:
    """Ask the parts on a directory's database."""

    async def run() -> T:
        async with opened_parts(Settings(data=directory / "data")) as parts:
            return await work(parts)

    return asyncio.run(run())


def test_a_household_is_added_shown_and_forgotten(wattline: Wattline, tmp_path: Path) -> None:
    made = wattline("household", "user", "add", "--name", "Weber", "--email", "weber@example.org", "--zone", "Asia/Tokyo")
    user_id = made.stdout.strip()
    assert len(user_id) == 30
    assert wattline("household", "user", "add", "--id", "jansen", "--language", "en", "--report-days", "7").stdout == "jansen\n"
    wattline("household", "sensor", "add", MAC)
    wattline("household", "sensor", "assign", MAC, user_id)
    shown = wattline("household", "user", "list").stdout
    assert all(word in shown for word in (user_id, "Weber", "Asia/Tokyo", "anomalies, reports", MAC, "jansen"))
    assert "weber@" not in shown
    with pytest.raises(Conflict):
        wattline("household", "user", "add", "--id", "jansen")
    with pytest.raises(Invalid):
        wattline("household", "user", "add", "--report-days", "8")

    wattline("household", "user", "remove", user_id)
    assert user_id not in wattline("household", "user", "list").stdout
    meter = on(tmp_path, lambda parts: _value(parts.meters.meter("default", MAC)))
    assert meter.user is None
    with pytest.raises(NotFound):
        wattline("household", "user", "remove", user_id)


async def _value(value: T) -> T:
    return value


def test_a_token_alone_is_printed_and_reads_its_household(wattline: Wattline, tmp_path: Path) -> None:
    wattline("household", "user", "add", "--id", "weber")
    token = wattline("household", "user", "token", "weber", "--days", "3").stdout.strip()
    principal = on(tmp_path, lambda parts: parts.identity.authenticate(token))
    assert (principal.scopes, principal.sites) == ({"household:read"}, {"weber"})
    with pytest.raises(NotFound):
        wattline("household", "user", "token", "nobody")
    wattline("household", "user", "remove", "weber")
    with pytest.raises(Unauthenticated):
        on(tmp_path, lambda parts: parts.identity.authenticate(token))


def test_prices_are_exact(wattline: Wattline, tmp_path: Path) -> None:
    wattline("household", "user", "add", "--id", "weber")
    tariff = ("household", "user", "tariff", "weber", "--base-price", "12.90", "--working-price", "0.3149")
    wattline(*tariff, "--since", "2026-01-01")
    found = on(tmp_path, lambda parts: parts.accounts.tariffs("default", "weber"))
    assert found == [Tariff(date(2026, 1, 1), Decimal("12.9"), Decimal("0.3149"))]
    for since, price in (("yesterday", "1"), ("2026-01-01", "cheap"), ("2026-01-01", "-1"), ("2026-01-01", "nan")):
        with pytest.raises(Invalid):
            wattline(*tariff[:-1], price, "--since", since)


def test_a_sensor_gets_a_script_a_secret_and_a_household(
    wattline: Wattline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wattline("household", "user", "add", "--id", "weber")
    (tmp_path / "script").write_text(">D\n>B\n")
    added = wattline("household", "sensor", "add", "aa-bb-cc-dd-ee-01", "--type", "analog_electricity", "--script", "script")
    assert added.stdout == f"{MAC}\n"
    wattline("household", "sensor", "assign", MAC, "weber")
    secret = wattline("household", "sensor", "secret", MAC).stdout.strip()
    meter = on(tmp_path, lambda parts: _value(parts.meters.meter("default", MAC)))
    assert (meter.kind, meter.user, meter.script, meter.needs_script) == (Kind.ANALOG_ELECTRICITY, "weber", ">D\n>B\n", True)
    assert meter.secret not in (None, secret)
    shown = wattline("household", "sensor", "list").stdout
    assert all(word in shown for word in (MAC, "analog_electricity", "weber", "to be sent", "0.6"))
    assert secret not in shown

    wattline("household", "sensor", "script", MAC, "-", stdin="375")
    wattline("household", "sensor", "secret", MAC, "--none")
    wattline("household", "sensor", "assign", MAC)
    meter = on(tmp_path, lambda parts: _value(parts.meters.meter("default", MAC)))
    assert (meter.script, meter.secret, meter.user) == ("375", None, None)
    wattline("household", "sensor", "script", MAC)
    assert on(tmp_path, lambda parts: _value(parts.meters.meter("default", MAC))).script is None

    for wrong in (("assign", MAC, "nobody"), ("script", "AA:BB:CC:DD:EE:02")):
        with pytest.raises(NotFound):
            wattline("household", "sensor", *wrong)
    with pytest.raises(Invalid):
        wattline("household", "sensor", "script", MAC, "-", stdin="x" * 666)
    with pytest.raises(Conflict):
        wattline("household", "sensor", "add", MAC, "--tenant", "other")
    with pytest.raises(NotFound):
        wattline("household", "sensor", "remove", MAC, "--tenant", "other")
    wattline("household", "sensor", "remove", MAC)
    assert MAC not in wattline("household", "sensor", "list").stdout


def test_what_only_a_server_can_do_says_so_where_none_runs(wattline: Wattline, tmp_path: Path) -> None:
    wattline("household", "user", "add", "--id", "weber")
    wattline("household", "sensor", "add", MAC)
    for asked in (("swap", MAC, "--initial", "3"), ("assign", MAC, "weber", "--initial", "3")):
        with pytest.raises(Unavailable, match="needs the running server"):
            wattline("household", "sensor", *asked, "--url", "http://127.0.0.1:9")
    assert on(tmp_path, lambda parts: _value(parts.meters.meter("default", MAC))).user is None
    keys = on(tmp_path, lambda parts: parts.identity.list())
    assert [key.revoked is not None for key in keys] == [True, True]


def test_households_join_and_leave_a_study(wattline: Wattline, tmp_path: Path) -> None:
    wattline("household", "user", "add", "--id", "weber")
    assert wattline("household", "experiment", "add", "Study", "--id", "study").stdout == "study\n"
    wattline("household", "experiment", "join", "study", "weber", "--status", "installation", "--installed", "2026-05-01")
    wattline("household", "experiment", "join", "study", "weber", "--number", "1")
    ((part, _),) = on(tmp_path, lambda parts: parts.accounts.participants("default", "study"))
    assert part == Participant(
        "study", "weber", "installation", 1, date(2026, 5, 1), None, gets_paid=False, uses_prolific=False
    )
    assert "weber installation 1" in wattline("household", "experiment", "list").stdout
    for wrong in (("--status", "gone"), ("--installed", "1.5.2026"), ("--deinstalled", "2026-04-30")):
        with pytest.raises(Invalid):
            wattline("household", "experiment", "join", "study", "weber", *wrong)
    wattline("household", "experiment", "leave", "study", "weber")
    with pytest.raises(NotFound):
        wattline("household", "experiment", "leave", "study", "weber")


@pytest.mark.parametrize("scope", ["household:admin", "household:ml", "household:cron"])
def test_a_key_of_the_contract_opens_what_its_scope_says(wattline: Wattline, tmp_path: Path, scope: str) -> None:
    key = wattline("key", "create", "--contract", "household", "--name", "k", "--scope", scope).stdout.strip()
    principal = on(tmp_path, lambda parts: parts.identity.authenticate(key))
    assert (principal.scopes, principal.sites) == ({scope}, None)


def test_a_key_for_a_household_is_its_token(wattline: Wattline, tmp_path: Path) -> None:
    create = ("key", "create", "--contract", "household", "--name", "k")
    for option in ("--user", "--site"):
        key = wattline(*create, option, "weber").stdout.strip()
        principal = on(tmp_path, lambda parts, key=key: parts.identity.authenticate(key))  # type: ignore[misc]
        assert (principal.scopes, principal.sites) == ({"household:read"}, {"weber"})
    for wrong in ((), ("--scope", "query:read"), ("--scope", "household:read"), ("--user", "a", "--user", "b")):
        with pytest.raises(Invalid):
            wattline(*create, *wrong)
    with pytest.raises(Invalid):
        wattline(*create, "--user", "weber", "--scope", "household:admin")
