"""Signed tokens: what is believed of them, and that nothing else is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.identity.jwt_token import LEEWAY, Fault, TokenRefused, Verified, read, sign, unverified
from wattline.model.clock import SECOND

SECRET = "an example secret of forty characters...."
NOW = 1_781_188_320 * SECOND


def packed(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def made(header: bytes, payload: bytes, secret: str = SECRET, digest: str = "sha256") -> str:
    """A token by RFC 7515 from its very bytes, without the library that is tested."""
    signed = f"{packed(header)}.{packed(payload)}"
    return f"{signed}.{packed(hmac.new(secret.encode(), signed.encode(), digest).digest())}"


def token(claims: Any, **header: Any) -> str:
    return made(json.dumps({"alg": "HS256", "typ": "JWT", **header}).encode(), json.dumps(claims).encode())


def fault(text: str, secret: str = SECRET, now: int | None = NOW, audience: str | None = None) -> tuple[Fault, str]:
    with pytest.raises(TokenRefused) as caught:
        read(text, secret).check(now or 0, audience)
    assert text not in str(caught.value)
    return caught.value.fault, caught.value.about


CLAIMS = st.dictionaries(
    st.text(max_size=8).filter(lambda name: name not in {"exp", "nbf", "iat"}),
    st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), st.lists, max_leaves=5),
    max_size=5,
)


@given(CLAIMS)
def test_what_was_signed_is_read_and_by_others_too(claims: dict[str, Any]) -> None:
    assert read(sign(claims, SECRET), SECRET).claims == claims
    assert read(token(claims), SECRET).claims == claims
    assert unverified(sign(claims, SECRET)) == claims


@given(st.data())
def test_a_token_that_was_changed_anywhere_is_refused(data: st.DataObject) -> None:
    good = sign({"role": "anon", "exp": 2_000_000_000}, SECRET)
    place = data.draw(st.integers(0, len(good) - 1))
    other = good[:place] + data.draw(st.sampled_from("abcXYZ019-_.=")) + good[place + 1 :]
    try:
        claims = read(other, SECRET).claims
    except TokenRefused:
        return
    # The last character of a signature has two bits that mean nothing.
    assert claims == {"role": "anon", "exp": 2_000_000_000}
    assert other[:-1] == good[:-1]


@given(st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,20}", fullmatch=True))
def test_no_text_breaks_the_reading(text: str) -> None:
    with pytest.raises(TokenRefused):
        read(text, SECRET)


def test_the_algorithm_is_not_the_tokens_to_choose() -> None:
    payload = b'{"role":"service_role"}'
    unsigned = ".".join((packed(b'{"alg":"none"}'), packed(payload), ""))
    assert fault(unsigned) == (Fault.UNSIGNED, "")
    assert fault(unsigned + "AAAA")[0] is Fault.UNSIGNED
    assert fault(made(b'{"alg":"nOnE"}', payload))[0] is Fault.UNSIGNED
    # The secret as an HMAC key, under the name of an algorithm with a public key: the classic confusion.
    for name in ("RS256", "ES256", "PS512", "EdDSA"):
        assert fault(made(json.dumps({"alg": name}).encode(), payload))[0] is Fault.SIGNATURE
    assert fault(made(b'{"alg":"HS512"}', payload, digest="sha512"))[0] is Fault.SIGNATURE
    assert fault(made(b'{"alg":"hs256"}', payload))[0] is Fault.ALGORITHM
    assert fault(made(b'{"alg":"XX"}', payload))[0] is Fault.ALGORITHM
    assert fault(made(b'{"alg":"HS256","alg":"none"}', payload))[0] is Fault.UNSIGNED


@pytest.mark.parametrize(
    "header", [b'{"alg":5}', b"{}", b"[]", b"\xff", b"", b'{"alg":"HS256","crit":["exp"]}', b'{"alg":"HS256","b64":false}x']
)
def test_a_header_that_cannot_be_understood_is_refused(header: bytes) -> None:
    assert fault(made(header, b"{}"))[0] is Fault.UNREADABLE


def test_a_payload_that_is_detached_is_refused() -> None:
    assert fault(made(b'{"alg":"HS256","b64":false,"crit":["b64"]}', b'{"role":"anon"}'))[0] is Fault.UNREADABLE


def test_a_deeply_nested_token_is_refused() -> None:
    assert fault(made(b'{"alg":' + b"[" * 100_000, b"{}"))[0] is Fault.UNREADABLE
    assert fault(made(b'{"alg":"HS256"}', b'{"a":' + b"[" * 100_000))[0] is Fault.CLAIMS


@pytest.mark.parametrize(("text", "parts"), [("", 1), ("abc", 1), ("a.b", 2), ("a.b.c.d", 4), ("a.b.c.d.e", 5)])
def test_the_parts_are_counted(text: str, parts: int) -> None:
    with pytest.raises(TokenRefused) as caught:
        read(text, SECRET)
    assert (caught.value.fault, caught.value.about) == (Fault.PARTS, str(parts))


def test_another_secret_signs_nothing_here() -> None:
    assert fault(made(b'{"alg":"HS256"}', b"{}", "another secret of the same length......."))[0] is Fault.SIGNATURE


@pytest.mark.parametrize("payload", [b"[]", b'"x"', b"5", b"", b"{", b'{"exp":1e999}', b'{"exp":NaN}', b"\xff"])
def test_claims_are_an_object(payload: bytes) -> None:
    assert fault(made(b'{"alg":"HS256"}', payload))[0] is Fault.CLAIMS


@pytest.mark.parametrize("value", ["1781188320", True, [], {}, "x"])
@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_times_are_numbers(name: str, value: object) -> None:
    assert fault(token({name: value})) == (Fault.NUMBER, name)


def test_times_hold_to_the_microsecond_give_or_take_the_leeway() -> None:
    at = NOW // SECOND
    ended = read(token({"exp": at}), SECRET)
    assert ended.expires == NOW
    ended.check(NOW + LEEWAY)
    early = read(token({"nbf": at}), SECRET)
    early.check(NOW - LEEWAY)
    issued = read(token({"iat": at}), SECRET)
    issued.check(NOW - LEEWAY)
    for verified, now, expected in (
        (ended, NOW + LEEWAY + 1, Fault.EXPIRED),
        (early, NOW - LEEWAY - 1, Fault.EARLY),
        (issued, NOW - LEEWAY - 1, Fault.FUTURE),
    ):
        with pytest.raises(TokenRefused) as caught:
            verified.check(now)
        assert caught.value.fault is expected


def test_times_may_have_fractions_be_null_and_lie_beyond_all_calendars() -> None:
    assert read(token({"exp": 1.5}), SECRET).expires == 1_500_000
    assert read(token({"exp": None, "nbf": None, "iat": None}), SECRET) == Verified(
        {"exp": None, "nbf": None, "iat": None}, None, None, None
    )
    read(token({"exp": 10**30, "nbf": -(10**30)}), SECRET).check(NOW)
    read(token({"exp": 1e300, "iat": -1e300}), SECRET).check(NOW)
    assert fault(token({"nbf": 10**30}))[0] is Fault.EARLY


def test_an_audience_counts_only_where_both_name_one() -> None:
    for claims in ({}, {"aud": None}, {"aud": "here"}, {"aud": ["there", "here"]}):
        read(token(claims), SECRET).check(NOW, "here")
        read(token(claims), SECRET).check(NOW)
    for audience in ("there", ["there"], [], 5, {"here": 1}, "hereafter"):
        assert fault(token({"aud": audience}), audience="here")[0] is Fault.AUDIENCE


def test_a_refusal_tells_nothing_of_the_token() -> None:
    text = sign({"role": "service_role", "exp": 1}, SECRET)
    with pytest.raises(TokenRefused) as caught:
        read(text, SECRET).check(NOW)
    told = f"{caught.value!r} {caught.value}"
    assert all(part not in told for part in (text, SECRET, hashlib.sha256(text.encode()).hexdigest()))
