"""What is refused of embeds, and how it is told."""

from __future__ import annotations

import pytest

from tests.contracts.flux.read.world import World
from wattline.contracts.flux.catalog import Relationship
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.read.relationships import join
from wattline.contracts.flux.syntax.ast import Embed
from wattline.contracts.flux.tables import MARKET, MARKET_TYPES, REGISTRY

M, T = MARKET.name, MARKET_TYPES.name


async def test_relations_that_are_not_related() -> None:
    refusal = await World().refused(M, f"select=id,{REGISTRY.name}(name)")
    assert (refusal.status, refusal.code) == (400, "PGRST200")
    assert refusal.message == f"Could not find a relationship between '{M}' and '{REGISTRY.name}' in the schema cache"
    assert refusal.details is not None
    assert refusal.details.startswith("Searched for a foreign key relationship between 'market_data' and 'mg_device_registry'")
    assert refusal.hint is None


async def test_a_name_that_is_nearly_right_is_proposed() -> None:
    refusal = await World().refused(M, "select=id,market_data_type(name)")
    assert refusal.hint == f"Perhaps you meant '{T}' instead of 'market_data_type'."


async def test_a_hint_that_fits_nothing() -> None:
    refusal = await World().refused(M, f"select=id,{T}!nothing(name)")
    assert refusal.code == "PGRST200"
    assert "using the hint 'nothing'" in (refusal.details or "")


def test_several_relationships_have_to_be_told_apart() -> None:
    links = [Relationship(f"{column}_fkey", "a", column, "b", "id") for column in ("x", "y")]
    with pytest.raises(Refusal) as refused:
        join(links, "a", Embed("b", ()))
    assert (refused.value.status, refused.value.code) == (300, "PGRST201")
    assert "'b!x_fkey', 'b!y_fkey'" in (refused.value.hint or "")
    assert join(links, "a", Embed("b", (), hint="y")).column == "y"
    assert join(links, "b", Embed("a", (), hint="y_fkey")).target_column == "y"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"{T}.name=eq.x", "PGRST108"),
        (f"select=id,t:{T}(name)&{T}.name=eq.x", "PGRST108"),
        (f"{T}.order=name", "PGRST108"),
        (f"{T}.limit=1", "PGRST108"),
        (f"order={T}(name)", "PGRST108"),
        (f"select=id,{T}(name)&{T}.x.name=eq.x", "PGRST108"),
        (f"select=id,{T}(name)&{T}=eq.1", "PGRST120"),
        (f"select=id,{T}(name)&{T}=is.true", "PGRST120"),
        (f"select=id,{T}(nope)", "42703"),
        (f"select=id,{T}(name)&{T}.id=eq.x", "22P02"),
        (f"select=id,{T}(name),{T}(unit)", "42712"),
    ],
)
async def test_misuses_are_refused(text: str, code: str) -> None:
    refusal = await World().refused(M, text)
    assert (refusal.status, refusal.code) == (400, code)


async def test_an_order_by_many_related_rows_is_not_possible() -> None:
    refusal = await World().refused(T, f"select=id,{M}(value)&order={M}(value)")
    assert (refusal.status, refusal.code) == (400, "PGRST118")
    assert refusal.message == f"A related order on '{M}' is not possible"
    assert refusal.details == f"'{T}' and '{M}' do not form a many-to-one or one-to-one relationship"
