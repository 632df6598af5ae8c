"""Queries that ask for far too much are refused before they cost anything; those that only look so are answered."""

from __future__ import annotations

import pytest

from tests.contracts.flux.read.world import SECOND, World, uuid
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.evaluate import effort, search
from wattline.contracts.flux.read.answer import Limits
from wattline.contracts.flux.tables import BESS, MARKET, REGISTRY

ENDLESS = 2**63 - 1
ORDERED = f"order=soe&select=soe&limit={ENDLESS}"


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("query", [f"offset={ENDLESS}", f"offset={ENDLESS}&limit={ENDLESS}", f"{ORDERED}&offset={ENDLESS}"])
async def test_no_row_lies_behind_the_greatest_offset(query: str, ordered: bool) -> None:
    world = World(ordered=ordered)
    assert await world.get(BESS.name, query) == []
    assert all(need.most is None or need.most <= ENDLESS for need in world.members[BESS.name].needs)


async def test_the_greatest_limit_is_every_row() -> None:
    assert [row["soe"] for row in await World().get(BESS.name, ORDERED)] == list(range(10))


async def test_a_select_has_as_many_columns_as_in_postgresql() -> None:
    world = World()
    names = [f"a{place}:soe" for place in range(1665)]
    assert len((await world.get(BESS.name, f"select={','.join(names[1:])}"))[0]) == 1664
    for query in (f"select={','.join(names)}", "order=" + ",".join(f"device_id->a{place}" for place in range(1665))):
        refusal = await world.refused(REGISTRY.name if "->" in query else BESS.name, query.replace("device_id", "metadata"))
        assert (refusal.status, refusal.code) == (400, "54011")


async def test_of_equal_terms_of_an_order_the_first_counts() -> None:
    terms = ",".join(["soe.desc", "time", *["soe", "soe.asc"] * 1000])
    assert [row["soe"] for row in await World().get(BESS.name, f"select=soe&order={terms}")] == list(range(9, -1, -1))


@pytest.mark.parametrize("many", ["a{}:mg_device_registry(name)", "...mg_device_registry(a{}:name)"])
async def test_a_select_has_a_hundred_embeds(many: str) -> None:
    world = World()
    refusal = await world.refused(BESS.name, "select=" + ",".join(many.format(place) for place in range(101)))
    assert (refusal.status, refusal.code) == (400, "54000")
    nested = "mg_bess_readings(mg_device_registry(" * 25 + "name" + "))" * 25
    refusal = await world.refused(REGISTRY.name, f"select={nested},{nested},x:{nested}")
    assert (refusal.status, refusal.code) == (400, "54000")


async def test_embeds_in_embeds_end_before_they_fill_the_memory() -> None:
    world = World(limits=Limits(answer_bytes=1 << 20))
    world.put(
        BESS.name, *({"time": at * SECOND, "device_id": uuid(1), "id": uuid(at), "created_at": 0} for at in range(20, 120))
    )
    for depth, told in ((1, None), (3, "PT413"), (12, "PT413"), (24, "PT413")):
        query = "select=" + "mg_bess_readings(mg_device_registry(" * depth + "name" + "))" * depth
        if told is None:
            assert len(await world.get(REGISTRY.name, query)) == 3
        else:
            refusal = await world.refused(REGISTRY.name, query)
            assert (refusal.status, refusal.code) == (413, told)


async def test_large_values_shown_many_times_are_refused() -> None:
    world = World(limits=Limits(answer_bytes=1 << 20))
    large = {"id": uuid(50), "created_at": 50, "name": "n" * 100_000, "type": "bess", "site": "x"}
    world.put(REGISTRY.name, large)
    only = f"id=eq.{uuid(50)}"
    assert len((await world.get(REGISTRY.name, f"{only}&select=a:name,b:name"))[0]) == 2
    for select in (",".join(f"a{place}:name" for place in range(11)), ",".join(f"a{place}:name::text" for place in range(11))):
        assert (await world.refused(REGISTRY.name, f"{only}&select={select}")).status == 413
    world.put(BESS.name, *({"time": at, "device_id": uuid(50), "id": uuid(at), "created_at": 0} for at in range(20)))
    for select in ("mg_device_registry(name)", "...mg_device_registry(name)"):
        refusal = await world.refused(BESS.name, f"select={select}&device_id=eq.{uuid(50)}")
        assert (refusal.status, refusal.code) == (413, "PT413")


async def test_long_names_of_columns_count_for_every_row() -> None:
    world = World(limits=Limits(answer_bytes=1 << 20))
    assert (await world.refused(MARKET.name, f"select={'a' * 200_000}:value")).status == 413


@pytest.mark.parametrize("kind", ["phfts", "fts", "wfts"])
def test_a_phrase_has_a_bounded_number_of_words(kind: str) -> None:
    def phrase(words: int) -> str:
        each = ["ab"] * words
        return {"phfts": " ".join(each), "fts": " <-> ".join(each), "wfts": f'"{" ".join(each)}"'}[kind]

    assert search.parse(kind, phrase(64), None) is not None
    for words in (65, 5000):
        with pytest.raises(Refusal) as refusal:
            search.parse(kind, phrase(words), None)
        assert (refusal.value.status, refusal.value.code) == (400, "54000")


def test_words_far_apart_count_as_those_between_them() -> None:
    with pytest.raises(Refusal) as refusal:
        search.parse("fts", "a <40> b <40> c", None)
    assert refusal.value.code == "54000"


@pytest.mark.parametrize(
    ("pattern", "least", "most"),
    [
        ("abc", 3, 4),
        ("a{255}", 255, 256),
        ("(?:a{30}){30}b", 900, 1000),
        ("(a|b)*[xyz]{2,5}", 8, 16),
        (r"(?s)\x{41}+\.\pL", 4, 4),
    ],
)
def test_the_steps_of_a_pattern(pattern: str, least: int, most: int) -> None:
    assert least <= effort.steps(pattern) <= most


@pytest.mark.parametrize(
    "query",
    [
        f"name=match.{'a%7B255%7D' * 100}b",
        f"name=like.{'*a' * 3000}",
        f"or=({','.join(['name.match.' + 'a%7B255%7D' * 2 + 'b'] * 100)})",
    ],
)
async def test_patterns_of_very_many_steps_look_at_short_texts_alone(query: str) -> None:
    world = World()
    assert await world.get(REGISTRY.name, query) == []
    world.put(REGISTRY.name, {"id": uuid(50), "created_at": 50, "name": "a" * 1_000_000, "type": "bess", "site": "x"})
    refusal = await world.refused(REGISTRY.name, query)
    assert (refusal.status, refusal.code) == (400, "54000")
    assert len(await world.get(REGISTRY.name, "name=match.^(a%2B)%2B$&select=id")) == 1
    assert len(await world.get(REGISTRY.name, "name=like.a*a*a&select=id")) == 1
