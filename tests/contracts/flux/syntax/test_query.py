"""The parts of a query string: which key means what, and what is refused in which words."""

from __future__ import annotations

import pytest

from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.syntax.ast import Condition, Embed, Field, Item, Logic, Order, Query, Step, Window
from wattline.contracts.flux.syntax.query import parse

DEVICE = "123e4567-e89b-12d3-a456-426614174000"


def where(query: str) -> object:
    """The only filter of a query."""
    (((), only),) = parse(query).filters
    return only


def refused(query: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        parse(query)
    return caught.value


def test_the_published_request() -> None:
    query = parse(
        f"device_id=eq.{DEVICE}&time=gte.2024-01-01T00:00:00Z&time=lt.2024-01-02T00:00:00Z&order=time.desc&limit=100"
        "&select=time,device_id,soe"
    )
    time = Field("time")
    assert query == Query(
        select=(Item(time), Item(Field("device_id")), Item(Field("soe"))),
        filters=(
            ((), Condition(Field("device_id"), "eq", (DEVICE,))),
            ((), Condition(time, "gte", ("2024-01-01T00:00:00Z",))),
            ((), Condition(time, "lt", ("2024-01-02T00:00:00Z",))),
        ),
        orders=(((), (Order(time, descending=True),)),),
        windows=(((), Window(limit=100)),),
    )


def test_no_query_is_all_columns_of_all_rows() -> None:
    assert parse("") == Query() == parse("select=") == parse("select&&soe&x")


def test_the_published_nested_conditions_with_their_equals_sign() -> None:
    inner = Logic("or", (Condition(Field("soe"), "lt", ("20",)), Condition(Field("soe"), "gt", ("80",))))
    outer = Logic("and", (Condition(Field("device_id"), "eq", ("uuid",)), inner))
    assert where("and=(device_id.eq.uuid,or=(soe.lt.20,soe.gt.80))") == outer
    assert where("and=(device_id.eq.uuid,or(soe.lt.20,soe.gt.80))") == outer
    assert where("and=( device_id.eq.uuid, or ( soe.lt.20,soe.gt.80) ) ") == outer


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ("a=eq.x,y.(z)", Condition(Field("a"), "eq", ("x,y.(z)",))),
        ("a=eq.", Condition(Field("a"), "eq", ("",))),
        ("a=eq.%2Bx+y%2520", Condition(Field("a"), "eq", ("+x y%20",))),
        ("a=eq.b=c", Condition(Field("a"), "eq", ("b=c",))),
        ("a=not.like.*BESS*", Condition(Field("a"), "like", ("%BESS%",), negated=True)),
        ("a=ilike(all).{*x,y*}", Condition(Field("a"), "ilike", ("{%x,y%}",), quantifier="all")),
        ("a=match.*x", Condition(Field("a"), "match", ("*x",))),
        ("a=in.()", Condition(Field("a"), "in", ())),
        ('a=in.("")', Condition(Field("a"), "in", ("",))),
        ("a=in.(,)", Condition(Field("a"), "in", ("", ""))),
        (r'a=in.( a, "b,c" ,"d\"e\\" , f g)', Condition(Field("a"), "in", ("a", "b,c", 'd"e\\', "f g"))),
        ('a=in.("b"c,"d)', Condition(Field("a"), "in", ('"b"c', '"d'))),
        ("a=in.(null)", Condition(Field("a"), "in", ("null",))),
        ("a=not.is.NULL", Condition(Field("a"), "is", ("null",), negated=True)),
        ("a=is.not_null", Condition(Field("a"), "is", ("not_null",))),
        ("a=isdistinct.5", Condition(Field("a"), "isdistinct", ("5",))),
        ("a=fts(english).bess", Condition(Field("a"), "fts", ("bess",), language="english")),
        ("a=wfts.bess", Condition(Field("a"), "wfts", ("bess",))),
        ('a=cs.{"max_power":100}', Condition(Field("a"), "cs", ('{"max_power":100}',))),
        ("%22we%5C%22ird.na%5C%5Cme%22=eq.1", Condition(Field('we"ird.na\\me'), "eq", ("1",))),
        ('"order"=eq.1', Condition(Field("order"), "eq", ("1",))),
        (
            "m->a-b->-1->>%22c.d%22=eq.1",
            Condition(Field("m", (Step("a-b", False), Step("-1", False), Step("c.d", True))), "eq", ("1",)),
        ),
    ],
)
def test_a_filter(query: str, condition: Condition) -> None:
    assert where(query) == condition


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ('or=(a.eq."x,y")', Condition(Field("a"), "eq", ("x,y",))),
        ("or=(a.eq.x.y(z)", Condition(Field("a"), "eq", ("x.y(z",))),
        ("or=(a.eq.{1,2})", Condition(Field("a"), "eq", ("{1,2}",))),
        ('or=(a.cs.{"b":"},)"} )', Condition(Field("a"), "cs", ('{"b":"},)"}',))),
        ("or=(a.in.(1,2))", Condition(Field("a"), "in", ("1", "2"))),
        ("or=(a.not.is.null)", Condition(Field("a"), "is", ("null",), negated=True)),
        ("or=(m->>k.eq.1)", Condition(Field("m", (Step("k", True),)), "eq", ("1",))),
        ("or=(and.eq.1)", Condition(Field("and"), "eq", ("1",))),
        ("or=(a.like(any).{*b*,c})", Condition(Field("a"), "like", ("{%b%,c}",), quantifier="any")),
        ("or=(a.eq.)", Condition(Field("a"), "eq", ("",))),
    ],
)
def test_a_part_of_a_logic_tree(query: str, part: Condition) -> None:
    assert where(query) == Logic("or", (part,))


def test_where_a_logic_tree_belongs_and_what_is_not() -> None:
    a = Condition(Field("a"), "eq", ("1",))
    assert parse("not.or=(a.eq.1)").filters == (((), Logic("or", (a,), negated=True)),)
    assert parse("x.y.not.and=(a.eq.1)").filters == ((("x", "y"), Logic("and", (a,), negated=True)),)
    assert parse("x.or=(not.and(a.eq.1))").filters == ((("x",), Logic("or", (Logic("and", (a,), negated=True),))),)


def test_parameters_of_embedded_relations() -> None:
    query = parse("x.y.a=eq.1&x.order=b.desc&x.limit=5&x.offset=10&limit=1&x.y.b->>c=eq.2")
    assert query.filters == (
        (("x", "y"), Condition(Field("a"), "eq", ("1",))),
        (("x", "y"), Condition(Field("b", (Step("c", True),)), "eq", ("2",))),
    )
    assert query.orders == ((("x",), (Order(Field("b"), descending=True),)),)
    assert query.windows == ((("x",), Window(5, 10)), ((), Window(1)))


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("*", (Item(Field("*")),)),
        (" a , b ", (Item(Field("a")), Item(Field("b")))),
        ("x:a::text", (Item(Field("a"), "x", "text"),)),
        ("a::double precision", (Item(Field("a"), cast="double precision"),)),
        ("m->a->>b", (Item(Field("m", (Step("a", False), Step("b", True)))),)),
        ("x:m->0::int", (Item(Field("m", (Step("0", False),)), "x", "int"),)),
        ("count()", (Item(Field(""), aggregate="count"),)),
        ("n:count()::text", (Item(Field(""), "n", None, "count", "text"),)),
        ("n:a::int.sum()::text", (Item(Field("a"), "n", "int", "sum", "text"),)),
        ("a.count()", (Item(Field("a"), aggregate="count"),)),
        ("t(*)", (Embed("t", (Item(Field("*")),)),)),
        ("t()", (Embed("t", ()),)),
        (
            "x:t!h!inner( a , u!left(b))",
            (Embed("t", (Item(Field("a")), Embed("u", (Item(Field("b")),), join="left")), "x", "h", "inner"),),
        ),
        ("t!inner!h(a)", (Embed("t", (Item(Field("a")),), None, "h", "inner"),)),
        ("a,...t(b)", (Item(Field("a")), Embed("t", (Item(Field("b")),), spread=True))),
        ('"a b,":"c:d"', (Item(Field("c:d"), "a b,"),)),
    ],
)
def test_select(text: str, items: tuple[Item | Embed, ...]) -> None:
    assert parse(f"select={text}").select == items


def test_order() -> None:
    assert parse("order=a,b.desc,c.asc.nullsfirst,d.nullslast,m->k.desc,t(e).desc").orders == (
        (
            (),
            (
                Order(Field("a")),
                Order(Field("b"), descending=True),
                Order(Field("c"), nulls_first=True),
                Order(Field("d"), nulls_first=False),
                Order(Field("m", (Step("k", False),)), descending=True),
                Order(Field("e"), descending=True, relation="t"),
            ),
        ),
    )


def test_the_first_of_what_there_is_one_of() -> None:
    query = parse("select=a&select=b&columns=c&columns=d&on_conflict=e&on_conflict=f&order=g&order=h")
    assert query == Query((Item(Field("a")),), columns=("c",), on_conflict=("e",), orders=(((), (Order(Field("g")),)),))


def test_columns_as_the_clients_write_them() -> None:
    assert parse("columns=%22time%22%2C%22soe%22,soe").columns == ("time", "soe")
    assert parse("on_conflict=device_id,time").on_conflict == ("device_id", "time")


@pytest.mark.parametrize(
    ("query", "window"),
    [
        ("limit=abc&offset=1.5", None),
        ("limit=&offset= ", None),
        ("limit=-1", Window(-1)),
        ("limit=0&offset=-7", Window(0, 0)),
        ("offset=12", Window(None, 12)),
        ("limit=1&limit=x&limit=2", Window(2)),
        ("limit=%D9%A1", None),
    ],
)
def test_limit_and_offset(query: str, window: Window | None) -> None:
    assert parse(query).windows == (() if window is None else (((), window),))


def test_arguments_of_a_function_are_what_is_no_filter() -> None:
    query = parse(
        "start_time=2024-01-01T00:00:00Z&time_b=gte.2024&device_ids={a,b}&x.y=is.foo&z=in.1&order=time_b&or=(a.eq.1)",
        function=True,
    )
    assert query.arguments == (
        ("start_time", "2024-01-01T00:00:00Z"),
        ("device_ids", "{a,b}"),
        ("x.y", "is.foo"),
        ("z", "in.1"),
    )
    assert query.filters[0] == ((), Condition(Field("time_b"), "gte", ("2024",)))
    assert len(query.filters) == 2
    assert refused("start_time=2024-01-01T00:00:00Z").code == "PGRST100"


@pytest.mark.parametrize(
    ("query", "what", "text", "column", "unexpected"),
    [
        ("soe=0", "filter", "0", 1, '"0" expecting "not" or operator (eq, gt, ...)'),
        ("soe=", "filter", "", 1, 'end of input expecting "not" or operator (eq, gt, ...)'),
        ("soe=EQ.1", "filter", "EQ.1", 1, '"E"'),
        ("soe=not.foo.1", "filter", "not.foo.1", 5, '"f"'),
        ("soe=not.not.eq.1", "filter", "not.not.eq.1", 5, '"n"'),
        ("soe=eq", "filter", "eq", 3, 'end of input expecting "." or "("'),
        ("soe=neq(any).{1}", "filter", "neq(any).{1}", 4, '"("'),
        ("soe=eq(some).{1}", "filter", "eq(some).{1}", 4, '"s" expecting "any" or "all"'),
        ("soe=is.nul", "filter", "is.nul", 4, '"n" expecting isVal: (null, not_null, true, false, unknown)'),
        ("soe=is.nullable", "filter", "is.nullable", 4, '"n"'),
        ("soe=is.null,", "filter", "is.null,", 8, '","'),
        ("soe=in.1,2", "filter", "in.1,2", 4, '"1" expecting "("'),
        ("soe=in.(1,2", "filter", "in.(1,2", 8, "end of input"),
        ("soe=in.(1)2", "filter", "in.(1)2", 7, '"2"'),
        ("or=()", "logic tree", "()", 4, '")"'),
        ("or=(a.eq.1,)", "logic tree", "(a.eq.1,)", 11, '")"'),
        ("not.and=a.eq.1", "logic tree", "a.eq.1", 8, '"a" expecting "("'),
        ("or=(a.eq.1", "logic tree", "(a.eq.1", 10, "end of input"),
        ("or=(a.eq.1))", "logic tree", "(a.eq.1))", 11, '")"'),
        ("or=(a.xx.1)", "logic tree", "(a.xx.1)", 6, '"x"'),
        ("or=(a)", "logic tree", "(a)", 5, '")"'),
        ("select=a,,b", "select parameter", "a,,b", 3, '","'),
        ("select=a(b", "select parameter", "a(b", 4, "end of input"),
        ("select=a(b))", "select parameter", "a(b))", 5, '")"'),
        ("select=a.foo()", "select parameter", "a.foo()", 2, '"."'),
        ("select=a::", "select parameter", "a::", 4, "end of input"),
        ("select=m->", "select parameter", "m->", 4, "end of input"),
        ("select=t!a!b(c)", "select parameter", "t!a!b(c)", 5, '"b"'),
        ("select=x:...t(a)", "select parameter", "x:...t(a)", 3, '"."'),
        ('select="*"', "select parameter", '"*"', 3, '"\\""'),
        ("order=", "order", "", 1, "end of input"),
        ("order=a.up", "order", "a.up", 3, '"u"'),
        ("order=a.nullsfirst.desc", "order", "a.nullsfirst.desc", 13, '"." expecting ","'),
        ("order=t(a", "order", "t(a", 4, "end of input"),
        ("columns=", "columns parameter", "", 1, "end of input"),
        ("on_conflict=a,", "on_conflict parameter", "a,", 3, "end of input"),
        ("a..b=eq.1", "tree path", "a..b", 3, '"."'),
        ("=eq.1", "tree path", "", 1, "end of input"),
        ("m->a.b=eq.1", "tree path", "m->a.b", 5, '"."'),
    ],
)
def test_what_does_not_parse(query: str, what: str, text: str, column: int, unexpected: str) -> None:
    refusal = refused(query)
    assert (refusal.status, refusal.code, refusal.hint) == (400, "PGRST100", None)
    assert refusal.message == f'"failed to parse {what} ({text})" (line 1, column {column})'
    assert str(refusal.details).startswith(f"unexpected {unexpected}")


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("a=eq.%ff", "22021", 'invalid byte sequence for encoding "UTF8": 0xff'),
        ("a=eq.\udcff", "22021", 'invalid byte sequence for encoding "UTF8": 0xed'),
        ("a=eq.%00", "22021", 'invalid byte sequence for encoding "UTF8": 0x00'),
        ("a=eq.\0", "22021", 'invalid byte sequence for encoding "UTF8": 0x00'),
        ("limit=9223372036854775808", "22003", 'value "9223372036854775808" is out of range for type bigint'),
        ('""=eq.1', "42601", 'zero-length delimited identifier at or near """"'),
    ],
)
def test_what_postgresql_would_refuse_to_read(query: str, code: str, message: str) -> None:
    refusal = refused(query)
    assert (refusal.status, refusal.code, refusal.message) == (400, code, message)


@pytest.mark.parametrize("start", ["or=(", "select=a("])
def test_nesting_has_a_bound(start: str) -> None:
    inner = "or(" if start == "or=(" else "a("
    leaf = "a.eq.1"[: 6 if start == "or=(" else 1]
    assert parse(start + inner * 49 + leaf + ")" * 50)
    refusal = refused(start + inner * 50 + leaf + ")" * 51)
    assert refusal.code == "PGRST100"
    assert str(refusal.details).endswith("expecting at most 50 levels of parentheses")


def test_equal_queries_are_parsed_once_and_long_ones_are_not_kept() -> None:
    assert parse("soe=gt.50&limit=3") is parse("soe=gt.50&limit=3")
    long = "soe=in.(" + "1," * 2000 + "1)"
    assert parse(long) == parse(long)
    assert parse(long) is not parse(long)
