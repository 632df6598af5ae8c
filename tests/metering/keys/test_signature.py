"""Signatures of bodies: the vector of the published example, and what must not pass for one."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.metering.signature import is_signed, signature

BODY = b'{"total_power":3600.0,"total_energy":1500.0,"voltage_a":230.1,"timestamp":"2025-10-16T10:00:00Z"}'
SECRET = "topsecret"
SIGNATURE = "05e66b21c3a8d715deeb4a15cd40330c04320c4ea3ee845ff4d2e5d0987c0ed1"


def test_the_published_example_has_this_signature() -> None:
    assert len(BODY) == 97
    assert signature(SECRET, BODY) == SIGNATURE
    assert is_signed(SIGNATURE, BODY, [SECRET])


def test_a_plain_digest_of_body_and_secret_is_none() -> None:
    digest = hashlib.sha256(BODY + SECRET.encode()).hexdigest()
    assert digest.startswith("70c23103")
    assert not is_signed(digest, BODY, [SECRET])


@pytest.mark.parametrize("given", [SIGNATURE.upper(), f"sha256={SIGNATURE}", f"SHA256={SIGNATURE.upper()}"])
def test_upper_case_and_a_prefix_are_allowed(given: str) -> None:
    assert is_signed(given, BODY, [SECRET])


@pytest.mark.parametrize(
    "given",
    [
        "",
        "sha256=",
        SIGNATURE[:-1],
        f"{SIGNATURE}0",
        f" {SIGNATURE}",
        f"sha1={SIGNATURE}",
        f"sha256=sha256={SIGNATURE}",
        "é" * 64,
        "\ud800" * 64,
        f"{SIGNATURE[:-1]}0",
    ],
)
def test_nothing_else_passes(given: str) -> None:
    assert not is_signed(given, BODY, [SECRET])


def test_either_of_two_secrets_signs_and_none_signs_nothing() -> None:
    assert is_signed(SIGNATURE, BODY, ["another", SECRET])
    assert is_signed(SIGNATURE, BODY, [SECRET, "another"])
    assert not is_signed(SIGNATURE, BODY, ["another"])
    assert not is_signed(SIGNATURE, BODY, [])


@given(st.binary(max_size=50), st.text("0123456789abcdef", min_size=1, max_size=8), st.binary(max_size=50))
def test_a_signature_is_of_one_body(body: bytes, secret: str, other: bytes) -> None:
    made = signature(secret, body)
    assert is_signed(made, body, [secret])
    assert is_signed(made, other, [secret]) == (other == body)
