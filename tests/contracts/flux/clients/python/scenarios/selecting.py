"""What a program can ask for with `supabase`: every operator of the client, windows, counts and forms of answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from postgrest.types import CountMethod
from project import Project, refused

SOES = [10, 20.5, None, 65.5, 90]
Change = Callable[[Any], Any]
DEVICES: list[dict[str, Any]] = [
    {"name": "Alpha BESS", "type": "bess", "metadata": {"capacity_kwh": 500, "tags": ["roof", "old"]}, "active": True},
    {"name": 'beta, "meter" (1)', "type": "meter", "metadata": {"capacity_kwh": 90, "tags": []}, "active": False},
    {"name": "gamma_%", "type": "pv", "metadata": None, "active": None},
]


def _battery(project: Project) -> Callable[..., list[float | None]]:
    """Five readings a minute apart; the middle one holds nothing but nulls."""
    bess = project.client().table("mg_bess_readings")
    bess.insert(
        [
            {
                "device_id": project.device,
                "time": f"2024-03-01T12:0{minute}:00Z",
                "soe": soe,
                "target_power": None if soe is None else 50 - soe,
                "command_source": None if soe is None else minute,
            }
            for minute, soe in enumerate(SOES)
        ]
    ).execute()

    def soes(change: Change = lambda asked: asked) -> list[float | None]:
        asked = change(bess.select("soe").eq("device_id", project.device)).order("time")
        return [row["soe"] for row in asked.execute().data]

    return soes


def _registry(project: Project) -> Callable[..., str]:
    registry = project.client().table("mg_device_registry")
    registry.insert([{**device, "site": project.site} for device in DEVICES]).execute()

    def names(change: Change = lambda asked: asked) -> str:
        rows = change(registry.select("name").eq("site", project.site)).order("name").execute().data
        return "".join(row["name"][0] for row in rows)

    return names


def comparisons(project: Project) -> None:
    soes = _battery(project)
    assert soes() == SOES
    assert soes(lambda asked: asked.eq("soe", 20.5)) == [20.5]
    assert soes(lambda asked: asked.neq("soe", 20.5)) == [10, 65.5, 90]
    assert soes(lambda asked: asked.gt("soe", 20.5)) == [65.5, 90]
    assert soes(lambda asked: asked.gte("soe", 20.5)) == [20.5, 65.5, 90]
    assert soes(lambda asked: asked.lt("soe", 20.5)) == [10]
    assert soes(lambda asked: asked.lte("soe", 20.5)) == [10, 20.5]
    assert soes(lambda asked: asked.match({"soe": 90, "command_source": 4})) == [90]
    assert soes(lambda asked: asked.filter("soe", "gt", "80")) == [90]


def lists_and_nulls(project: Project) -> None:
    soes = _battery(project)
    assert soes(lambda asked: asked.in_("soe", [10, 90, 91])) == [10, 90]
    assert soes(lambda asked: asked.not_.in_("soe", [10, 90])) == [20.5, 65.5]
    assert soes(lambda asked: asked.is_("soe", None)) == [None]
    assert soes(lambda asked: asked.not_.is_("soe", "null")) == [10, 20.5, 65.5, 90]
    assert soes(lambda asked: asked.not_.gt("soe", 20)) == [10]


def logic(project: Project) -> None:
    soes = _battery(project)
    assert soes(lambda asked: asked.or_("soe.lt.20,soe.gt.80")) == [10, 90]
    assert soes(lambda asked: asked.not_.or_("soe.lt.20,soe.gt.80")) == [20.5, 65.5]
    nested = "soe.is.null,and(soe.gt.20,not.or(soe.gt.80,command_source.in.(2,3)))"
    assert soes(lambda asked: asked.or_(nested)) == [20.5, None]
    assert soes(lambda asked: asked.or_("soe.lt.20,soe.gt.80").or_("target_power.lt.0")) == [90]


def patterns(project: Project) -> None:
    names = _registry(project)
    assert names() == "Abg"
    assert names(lambda asked: asked.like("name", "%BESS")) == "A"
    assert names(lambda asked: asked.like("name", "*BESS*")) == "A"
    assert names(lambda asked: asked.ilike("name", "%bess")) == "A"
    assert names(lambda asked: asked.like_all_of("name", "%a%,%m%")) == "bg"
    assert names(lambda asked: asked.like_any_of("name", 'Alpha%,"beta, %"')) == "Ab"
    assert names(lambda asked: asked.ilike_all_of("name", "%A%,%B%")) == "Ab"
    assert names(lambda asked: asked.ilike_any_of("name", "ALPHA%,GAMMA%")) == "Ag"
    assert names(lambda asked: asked.fts("name", "alpha & bess")) == "A"
    assert names(lambda asked: asked.plfts("name", "alpha bess")) == "A"
    assert names(lambda asked: asked.phfts("name", "alpha bess")) == "A"
    assert names(lambda asked: asked.wfts("name", "alpha or meter")) == "Ab"


def texts_and_truths(project: Project) -> None:
    names = _registry(project)
    assert names(lambda asked: asked.eq("name", 'beta, "meter" (1)')) == "b"
    assert names(lambda asked: asked.in_("name", ['beta, "meter" (1)', "gamma_%"])) == "bg"
    assert names(lambda asked: asked.is_("active", True)) == "A"
    assert names(lambda asked: asked.eq("active", False)) == "b"
    assert names(lambda asked: asked.is_("metadata", None)) == "g"


def documents(project: Project) -> None:
    names = _registry(project)
    assert names(lambda asked: asked.contains("metadata", {"capacity_kwh": 500})) == "A"
    assert names(lambda asked: asked.contained_by("metadata", {"capacity_kwh": 90, "tags": [], "more": 1})) == "b"
    assert names(lambda asked: asked.gt("metadata->capacity_kwh", 90)) == "A"
    assert names(lambda asked: asked.gt("metadata->>capacity_kwh", 60)) == "b"


def operators_of_other_types(project: Project) -> None:
    asked = project.client().table("mg_bess_readings").select("*")
    for build in (
        lambda: asked.ov("soe", ["1"]),
        lambda: asked.range_gt("soe", (1, 2)),
        lambda: asked.range_adjacent("soe", (1, 2)),
        lambda: asked.like("soe", "1%"),
    ):
        with refused("42883"):
            build().execute()


def order_with_nulls(project: Project) -> None:
    _battery(project)

    def ordered(**options: bool) -> list[float | None]:
        asked = project.client().table("mg_bess_readings").select("soe").eq("device_id", project.device)
        return [row["soe"] for row in asked.order("soe", **options).execute().data]

    assert ordered() == [10, 20.5, 65.5, 90, None]
    assert ordered(desc=True) == [None, 90, 65.5, 20.5, 10]
    assert ordered(nullsfirst=True) == [None, 10, 20.5, 65.5, 90]
    assert ordered(desc=True, nullsfirst=False) == [90, 65.5, 20.5, 10, None]


def windows(project: Project) -> None:
    soes = _battery(project)
    assert soes(lambda asked: asked.range(1, 2)) == [20.5, None]
    assert soes(lambda asked: asked.range(4, 9)) == [90]
    assert soes(lambda asked: asked.limit(1).offset(3)) == [65.5]
    assert soes(lambda asked: asked.limit(0)) == []


def counts(project: Project) -> None:
    _battery(project)
    bess = project.client().table("mg_bess_readings")
    for count in CountMethod:
        found = bess.select("soe", count=count).eq("device_id", project.device).limit(2).execute()
        assert (found.count, len(found.data)) == (5, 2)
    head = bess.select("soe", count=CountMethod.exact, head=True).eq("device_id", project.device).execute()
    assert (head.count, head.data) == (5, [])
    assert bess.select("soe", count=CountMethod.exact).eq("device_id", project.other).execute().count == 0


def one_row(project: Project) -> None:
    _battery(project)
    bess = project.client().table("mg_bess_readings")
    assert bess.select("soe").eq("device_id", project.device).eq("soe", 90).single().execute().data == {"soe": 90}
    with refused("PGRST116") as errors:
        bess.select("soe").eq("device_id", project.device).single().execute()
    assert errors[0].details == "The result contains 5 rows"
    found = bess.select("soe").eq("device_id", project.device).eq("soe", 90).maybe_single().execute()
    assert found is not None
    assert found.data == {"soe": 90}
    none = bess.select("soe").eq("device_id", project.other).maybe_single().execute()
    assert none is None or none.data is None


def csv(project: Project) -> None:
    _battery(project)
    asked = project.client().table("mg_bess_readings").select("time,soe").eq("device_id", project.device).order("time").limit(3)
    assert asked.csv().execute().data == "\n".join(
        ["time,soe", '"2024-03-01 12:00:00+00",10', '"2024-03-01 12:01:00+00",20.5', '"2024-03-01 12:02:00+00",']
    )


def without_nulls(project: Project) -> None:
    _battery(project)
    asked = project.client().table("mg_bess_readings").select("soe,command_source").eq("device_id", project.device)
    assert asked.order("time").range(1, 2).strip_nulls().execute().data == [{"soe": 20.5, "command_source": 1}, {}]


def embedded(project: Project) -> None:
    client = project.client()
    client.table("mg_device_registry").insert(
        {"id": project.device, "name": "known", "type": "bess", "site": project.site}
    ).execute()
    client.table("mg_bess_readings").insert(
        [{"device_id": device, "time": "2024-03-01T12:00:00Z", "soe": 1} for device in (project.device, project.other)]
    ).execute()
    rows = client.table("mg_bess_readings").select("soe, mg_device_registry!inner(name)")
    found = rows.eq("mg_device_registry.site", project.site).execute().data
    assert found == [{"soe": 1, "mg_device_registry": {"name": "known"}}]
    known = client.table("mg_device_registry").select("name, mg_bess_readings(soe)").eq("id", project.device)
    assert known.order("time", foreign_table="mg_bess_readings").execute().data == [
        {"name": "known", "mg_bess_readings": [{"soe": 1}]}
    ]


def schemas(project: Project) -> None:
    _battery(project)
    for client in (project.client(schema="flux"), project.client(schema="public"), project.client().schema("flux")):
        assert len(client.table("mg_bess_readings").select("soe").eq("device_id", project.device).execute().data) == 5
    with refused("PGRST106"):
        project.client(schema="private").table("mg_bess_readings").select("*").execute()
