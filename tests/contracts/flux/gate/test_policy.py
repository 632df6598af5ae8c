"""What each role may do in each profile, and in PostgreSQL's words what it may not."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from wattline.contracts.flux.caller import Caller, Verb
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.gate.policy import FUNCTIONS, RolePolicy, build
from wattline.contracts.flux.tables import RELATIONS
from wattline.model.errors import Invalid
from wattline.settings import Settings

FILLED = {"mg_bess_readings", "mg_meter_readings", "mg_device_registry", "market_data"}
VIEWS = {name for name, relation in RELATIONS.items() if not relation.writable}
VERBS: tuple[Verb, ...] = get_args(Verb)


def caller(role: str) -> Caller:
    return Caller("default", role, "k", anonymous=role == "anon")


def outcome(policy: RolePolicy, role: str, verb: Verb, name: str) -> str:
    """Done, hidden (no rows), or why it was refused."""
    refused = None
    try:
        policy.check(caller(role), verb, name)
    except Refusal as error:
        refused = error
    if refused is not None:
        assert (refused.status, refused.code) == (401 if role == "anon" else 403, "42501")
        assert (refused.headers.get("WWW-Authenticate") == "Bearer") == (role == "anon")
        return refused.message
    return "done" if policy.sees(caller(role), verb, name) else "hidden"


def missing(name: str) -> str:
    kind = "function" if name in FUNCTIONS else "view" if name in VIEWS else "table"
    return f"permission denied for {kind} {name}"


@pytest.mark.parametrize("profile", ["seed", "open"])
def test_anybody_reads_and_fills(profile: str) -> None:
    policy = build(Settings(flux_policy=profile))
    for role, name, verb in product(("anon", "authenticated"), RELATIONS, VERBS):
        allowed = verb == "select" or (name in FILLED and verb in (("insert", "update") if profile == "open" else ("insert",)))
        assert outcome(policy, role, verb, name) == ("done" if allowed else missing(name)), (role, name, verb)
    for role, name in product(("anon", "authenticated"), FUNCTIONS):
        assert outcome(policy, role, "execute", name) == "done"


@pytest.mark.parametrize("profile", ["seed", "open", "strict"])
def test_the_service_may_do_all_that_can_be_done(profile: str) -> None:
    policy = build(Settings(flux_policy=profile))
    for name, verb in product(RELATIONS, VERBS):
        possible = verb == "select" if name in VIEWS else verb != "execute"
        assert outcome(policy, "service_role", verb, name) == ("done" if possible else missing(name))
    for name in FUNCTIONS:
        assert outcome(policy, "service_role", "execute", name) == "done"


def test_strict_hides_rows_rather_than_refuse() -> None:
    policy = build(Settings(flux_policy="strict"))
    for role, name in product(("anon", "authenticated"), set(RELATIONS) - VIEWS):
        assert outcome(policy, role, "select", name) == ("done" if role == "authenticated" else "hidden")
        assert outcome(policy, role, "insert", name) == f'new row violates row-level security policy for table "{name}"'
        for verb in ("update", "delete"):
            assert outcome(policy, role, verb, name) == "hidden"
    for role, name in product(("anon", "authenticated"), VIEWS):
        assert outcome(policy, role, "select", name) == ("done" if role == "authenticated" else "hidden")
        assert outcome(policy, role, "insert", name) == missing(name)
    for name in FUNCTIONS:
        policy.check(caller("anon"), "execute", name)


@pytest.mark.parametrize("profile", ["seed", "open", "strict"])
def test_a_further_role_may_do_what_it_is_granted(profile: str) -> None:
    policy = build(Settings(flux_policy=profile))
    granted: dict[str, set[tuple[str, str]]] = {
        "besscontroller": {(verb, name) for verb in ("select", "insert") for name in ("mg_bess_readings", "mg_meter_readings")},
        "flux_scraper": {("select", "market_data"), ("insert", "market_data"), ("execute", "insert_market_data_batch")},
        "flux_grafana_reader": {("select", name) for name in RELATIONS}
        | {("execute", f"get_meter_readings_{width}") for width in ("5m", "30m")},
        "grafanareader": {("select", "market_data")},
    }
    for role, rights in granted.items():
        for name, verb in product((*RELATIONS, *FUNCTIONS), VERBS):
            expected = "done" if (verb, name) in rights else missing(name)
            assert outcome(policy, role, verb, name) == expected, (role, verb, name)


def test_the_settings_may_name_other_roles() -> None:
    policy = build(Settings(flux_roles={"auditor": {"market_data": ["select"]}}))
    assert outcome(policy, "auditor", "select", "market_data") == "done"
    assert outcome(policy, "auditor", "select", "mg_bess_readings") == missing("mg_bess_readings")
    assert outcome(policy, "besscontroller", "select", "mg_bess_readings") == missing("mg_bess_readings")


@pytest.mark.parametrize(
    ("rights", "told"),
    [
        ({"nothing": ["select"]}, "no relation and no function"),
        ({"mg_bess_readings_5m": ["insert"]}, "cannot insert the view"),
        ({"market_data": ["execute"]}, "cannot execute the table"),
        ({"get_meter_readings_5m": ["select"]}, "cannot select the function"),
    ],
)
def test_a_right_that_cannot_be_had_is_told_at_the_start(rights: dict[str, list[Verb]], told: str) -> None:
    with pytest.raises(Invalid, match=told):
        build(Settings(flux_roles={"auditor": rights}))


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_the_settings_cannot_say_what_the_reserved_roles_may_do(role: str) -> None:
    with pytest.raises(ValueError, match="flux_policy does"):
        Settings(flux_roles={role: {}})
