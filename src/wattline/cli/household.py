"""`wattline household user | sensor | experiment`: homes, their meters, and studies, beside whatever runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from wattline.cli import household_sensors
from wattline.cli.household_parts import Parts, opened_parts
from wattline.cli.options import Data, Tenant, load
from wattline.model.clock import DAY, SystemClock
from wattline.model.errors import Invalid

if TYPE_CHECKING:
    from wattline.households.accounts.model import Experiment, Participant, User

T = TypeVar("T")

group = typer.Typer(no_args_is_help=True, help="Homes, the meters that read them, and studies.")
users = typer.Typer(no_args_is_help=True, help="Households, their tokens and prices.")
experiments = typer.Typer(no_args_is_help=True, help="Studies that households take part in.")
group.add_typer(users, name="user")
group.add_typer(household_sensors.group, name="sensor")
group.add_typer(experiments, name="experiment")

UserId = Annotated[str, typer.Argument(metavar="USER", help="Id of the household.", show_default=False)]
ExperimentId = Annotated[str, typer.Argument(metavar="EXPERIMENT", help="Id of the experiment.", show_default=False)]
DAY_HELP = "As 2026-01-31"


def _run(tenant: str | None, data: Any, work: Callable[[Parts, str], Awaitable[T]]) -> T:
    settings = load(data=data)

    async def with_parts() -> T:
        async with opened_parts(settings) as parts:
            return await work(parts, tenant or settings.default_tenant)

    return asyncio.run(with_parts())


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{name} is a day, as 2026-01-31", name) from None


def _amount(name: str, text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise Invalid(f"{name} is a number, as 0.31", name) from None


@users.command("add")
def add_user(
    given_id: Annotated[str | None, typer.Option("--id", help="Id that it is to have.", show_default="a random one")] = None,
    name: Annotated[str | None, typer.Option(help="What it is called.", show_default="its id")] = None,
    firstname: Annotated[str | None, typer.Option(help="First name of who lives there.")] = None,
    lastname: Annotated[str | None, typer.Option(help="Last name.")] = None,
    email: Annotated[str | None, typer.Option(help="Where its mails go.")] = None,
    zone: Annotated[str | None, typer.Option(help="IANA name of its local time.", show_default="Europe/Berlin")] = None,
    language: Annotated[str | None, typer.Option(help="de or en.", show_default="de")] = None,
    report_days: Annotated[int | None, typer.Option(help="Days that a report covers, 1 to 7.", show_default="3")] = None,
    report_hour: Annotated[int | None, typer.Option(help="Local hour at which it comes.", show_default="6")] = None,
    tenant: Tenant = None,
    data: Data = None,
) -> None:
    """Add a household and print its id."""
    given = _given(
        id=given_id,
        name=name,
        firstname=firstname,
        lastname=lastname,
        email=email,
        zone=zone,
        language=language,
        report_days=report_days,
        report_hour=report_hour,
    )

    async def work(parts: Parts, owner: str) -> User:
        return await parts.accounts.create_user(owner, given)

    typer.echo(_run(tenant, data, work).id)


@users.command("list")
def list_users(tenant: Tenant = None, data: Data = None) -> None:
    """Show the households."""

    async def work(parts: Parts, owner: str) -> list[tuple[User, list[str]]]:
        found = await parts.accounts.users(owner)
        return [(user, [meter.mac for meter in parts.meters.of_user(owner, user.id)]) for user in found]

    table = Table(Column("id", no_wrap=True), "name", "zone", "language", "active", "mails", "sensors", box=SIMPLE_HEAD)
    for user, macs in _run(tenant, data, work):
        mails = [word for word, on in (("anomalies", user.anomaly_mails), ("reports", user.report_mails)) if on and user.email]
        words = (
            user.id,
            user.name,
            user.zone,
            user.language,
            "yes" if user.active else "no",
            ", ".join(mails),
            "\n".join(macs),
        )
        table.add_row(*map(Text, words))
    Console().print(table)


@users.command("remove")
def remove_user(user: UserId, tenant: Tenant = None, data: Data = None) -> None:
    """Forget who a household is and free its meters. Its readings stay, under an id that nobody gets again."""

    async def work(parts: Parts, owner: str) -> None:
        await parts.accounts.delete_user(owner, user)

    _run(tenant, data, work)


@users.command("token")
def token(
    user: UserId,
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="How many days it holds.", show_default="until it is revoked")
    ] = None,
    tenant: Tenant = None,
    data: Data = None,
) -> None:
    """Make a token with which a household reads its own data, and print it, once."""
    expires = None if days is None else SystemClock().micros() + days * DAY

    async def work(parts: Parts, owner: str) -> str:
        return await parts.accounts.issue_token(owner, user, expires)

    typer.echo(_run(tenant, data, work))


@users.command("tariff")
def tariff(
    user: UserId,
    since: Annotated[str, typer.Option(help=f"Local day from which it holds. {DAY_HELP}.", show_default=False)],
    base_price: Annotated[str, typer.Option(help="EUR a month.", show_default=False)],
    working_price: Annotated[str, typer.Option(help="EUR a kWh.", show_default=False)],
    tenant: Tenant = None,
    data: Data = None,
) -> None:
    """Set the prices of a household from a day on."""
    day = _day("since", since)
    base, working = _amount("base-price", base_price), _amount("working-price", working_price)

    async def work(parts: Parts, owner: str) -> None:
        await parts.accounts.set_tariff(owner, user, day, base, working)

    _run(tenant, data, work)


@experiments.command("add")
def add_experiment(
    name: Annotated[str, typer.Argument(help="What it is called.", show_default=False)],
    given_id: Annotated[str | None, typer.Option("--id", help="Id that it is to have.", show_default="a random one")] = None,
    tenant: Tenant = None,
    data: Data = None,
) -> None:
    """Add an experiment and print its id."""

    async def work(parts: Parts, owner: str) -> Experiment:
        return await parts.accounts.create_experiment(owner, name, given_id)

    typer.echo(_run(tenant, data, work).id)


@experiments.command("list")
def list_experiments(tenant: Tenant = None, data: Data = None) -> None:
    """Show the experiments and who takes part."""

    async def work(parts: Parts, owner: str) -> list[tuple[Experiment, list[Participant]]]:
        accounts = parts.accounts
        return [
            (each, [part for part, _ in await accounts.participants(owner, each.id)])
            for each in await accounts.experiments(owner)
        ]

    table = Table(Column("id", no_wrap=True), "name", "participants", box=SIMPLE_HEAD)
    for experiment, parts in _run(tenant, data, work):
        shown = "\n".join(f"{part.user} {part.status} {part.number}" for part in parts)
        table.add_row(Text(experiment.id), Text(experiment.name), Text(shown))
    Console().print(table)


@experiments.command("join")
def join(
    experiment: ExperimentId,
    user: UserId,
    status: Annotated[str | None, typer.Option(help="Where it stands.", show_default="registered, or as it is")] = None,
    number: Annotated[int | None, typer.Option(help="The run: 0 is the first.", show_default="0, or as it is")] = None,
    installed: Annotated[str | None, typer.Option(help=f"Day on which its meter came. {DAY_HELP}.")] = None,
    deinstalled: Annotated[str | None, typer.Option(help=f"Day on which its meter went. {DAY_HELP}.")] = None,
    tenant: Tenant = None,
    data: Data = None,
) -> None:
    """Let a household take part, or change how it does."""
    days = {"installed": installed, "deinstalled": deinstalled}
    given = _given(status=status, number=number) | {name: _day(name, text) for name, text in days.items() if text is not None}

    async def work(parts: Parts, owner: str) -> None:
        await parts.accounts.put_participant(owner, experiment, user, given)

    _run(tenant, data, work)


@experiments.command("leave")
def leave(experiment: ExperimentId, user: UserId, tenant: Tenant = None, data: Data = None) -> None:
    """Take a household out of an experiment."""

    async def work(parts: Parts, owner: str) -> None:
        await parts.accounts.remove_participant(owner, experiment, user)

    _run(tenant, data, work)
