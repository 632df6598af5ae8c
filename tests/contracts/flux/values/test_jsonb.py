"""jsonb text, compared with PostgreSQL's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.values import jsonb

from .conftest import Oracle
from .refusals import BATCH, forms, told

DOCUMENTS = forms(
    r"""{"b":1,"a":2,"aa":3,"a":4}|"a\nb\u0001\u007f\u00e9\"\\\/\b\f\r\t"|"\\u0000"|"\ud83d\ude00"|null|true| [] |{}|""|"\u0000"
[1, 2.50,1e3,1E-3,-0,-0.0,1.0e2,1.5e1,1.50e1,1e-2,0e5,0.0e3,0e-3,0.00e1,1.50E+1,100e-2,-1e1, 12345678901234567890123]
{"é":1,"zz":2,"z":3}|{"a":{"c":null,"b":[{}]}}|{"a":{"z":1,"a":{"bb":1,"b":[1,{"x":null}]}}}|1e131071|1e131072|1e-16383|1e-16384
0e200000|1.5e131071|1e99999999999|0.01e131073|1e5000|0.1e-16382|10e131071|abc|{"a":}|[1,]|{|01|1.|.5|-|+1|NaN|[1]x|{1:2}|"abc|
{"a" 1}|[1 2]|{"a":1,}|nul|'a'|"\ud800"|"\ude00"|[1]]|"""
)


def test_documents_are_read_as_postgresql_reads_them(oracle: Oracle) -> None:
    for text, answer in zip(DOCUMENTS, oracle.cast(DOCUMENTS, "jsonb"), strict=True):
        found: Any = told(lambda text=text: jsonb.normalise(text))
        if len(answer) == 1:
            assert found == answer[0], text
        elif answer[0] == "22P02":
            # What is wrong with it is told in our words.
            assert found[:2] == answer[:2], text
        else:
            assert found == answer, text


numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
leaves = st.one_of(
    numbers, texts.map(json.dumps), texts.map(lambda text: json.dumps(text, ensure_ascii=False)), st.just("null")
)
documents = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda parts: "[" + " , ".join(parts) + "]"),
        st.lists(st.tuples(texts.map(json.dumps), inner), max_size=5).map(
            lambda pairs: "{" + ",".join(f"{key} :{value}" for key, value in pairs) + "}"
        ),
    ),
    max_leaves=12,
)


@BATCH
@given(st.lists(documents, min_size=40))
def test_any_document_is_printed_as_postgresql_prints_it(session_oracle: Oracle, texts: list[str]) -> None:
    assert [jsonb.normalise(text) for text in texts] == session_oracle.column("SELECT x::jsonb::text FROM t", texts)


@BATCH
@given(st.lists(documents, min_size=40))
def test_nulls_are_stripped_as_postgresql_strips_them(session_oracle: Oracle, texts: list[str]) -> None:
    theirs = session_oracle.column("SELECT json_strip_nulls(x::jsonb::json)::jsonb::text FROM t", texts)
    assert [jsonb.normalise(jsonb.strip(jsonb.normalise(text))) for text in texts] == theirs


def test_stripping_changes_neither_numbers_nor_the_order_of_keys() -> None:
    stripped = jsonb.strip('{"bb": 1e+06, "a": null, "c": [null, {"d": null}, 1.50]}')  # noqa: B005
    assert stripped == '{"bb":1e+06,"c":[null,{},1.50]}'


def test_what_would_grow_without_bound_is_refused() -> None:
    deep = "[" * (jsonb.MOST_DEPTH + 2) + "]" * (jsonb.MOST_DEPTH + 2)
    assert jsonb.normalise(deep[1:-1]) == deep[1:-1]
    for text, code in ((deep, "54001"), ("[" * 100_000, "54001"), ("[" + ",".join(["1e131000"] * 10) + "]", "22003")):
        with pytest.raises(Refusal) as refused:
            jsonb.normalise(text)
        assert (refused.value.status, refused.value.code) == (400, code)
