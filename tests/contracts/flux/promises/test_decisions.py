"""What docs/contracts/flux.md says was decided where PostgreSQL or PostgREST do otherwise or leave it open."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.contracts.flux.door.project import BESS, REGISTRY, Project, new_device
from tests.contracts.flux.promises.conftest import Opening


async def named(project: Project, *names: str, metadata: object = None) -> None:
    rows = [{"name": name, "type": "bess", "site": "S", "metadata": metadata} for name in names]
    assert (await project.client().post(REGISTRY, json=rows)).status_code == 201


async def found(project: Project, query: str) -> list[str]:
    return [row["name"] for row in await project.get(f"{REGISTRY}?select=name&{query}")]


async def test_text_is_ordered_by_code_point(project: Project) -> None:
    await named(project, "b", "Ä", "a", "B", "😀", "é")
    assert await found(project, "order=name") == ["B", "a", "b", "Ä", "é", "😀"]
    assert await found(project, "name=gt.b&order=name.desc") == ["😀", "é", "Ä"]


async def test_case_is_folded_by_unicode(project: Project) -> None:
    await named(project, "ÉCLUSE", "Ωmega")
    assert await found(project, f"name=ilike.{quote('*écluse')}") == ["ÉCLUSE"]
    assert await found(project, f"name=imatch.{quote('^ωM')}") == ["Ωmega"]
    assert await found(project, f"name=like.{quote('écluse')}") == []


async def test_spaces_behind_an_unquoted_value_of_a_list_are_part_of_it(project: Project) -> None:
    await named(project, "a", "b ")
    assert await found(project, "name=in.(a , b )") == ["b "]
    assert await found(project, 'name=in.("a" , "b" )') == ["a"]


async def test_a_whole_number_is_an_index_of_an_array_and_a_key_of_an_object(project: Project) -> None:
    await named(project, "array", metadata=[5, 6])
    await named(project, "object", metadata={"1": 7})
    rows = await project.get(f"{REGISTRY}?select=name,value:metadata->1&order=name")
    assert [(row["name"], row["value"]) for row in rows] == [("array", 6), ("object", 7)]


@pytest.mark.parametrize("name", ["char", "name", "timetz", "interval", "bytea"])
async def test_types_that_no_value_is_cast_to(project: Project, name: str) -> None:
    answer = await project.client().get(f"{REGISTRY}?select=name::{name}")
    assert (answer.status_code, answer.json()["code"]) == (400, "42704")


@pytest.mark.parametrize("query", ["fts(english).volt", "phfts(german).volt", "fts.(a %7C b) <-> (c %26 d)"])
async def test_searches_that_are_not_offered(project: Project, query: str) -> None:
    answer = await project.client().get(f"{REGISTRY}?name={query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "PGRST127")


async def test_a_sum_of_reals_is_rounded_once(opening: Opening) -> None:
    async with opening(flux_aggregates=True) as project:
        device = new_device()
        soes = [16_777_216, *[1] * 8]
        rows = [{"device_id": device, "time": f"2024-01-01T12:0{at}:00Z", "soe": soe} for at, soe in enumerate(soes)]
        assert (await project.client().post(BESS, json=rows)).status_code == 201
        answer = await project.client().get(f"{BESS}?select=soe.sum()")
        assert answer.text == '[{"sum":1.6777224e+07}]'
