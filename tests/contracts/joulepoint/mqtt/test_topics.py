"""The spelling of topics."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.contracts.joulepoint.mqtt import topics
from wattline.gateways.filters import is_topic, matches

TENANTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=128)
DEVICES = st.builds(lambda prefix, number: f"{prefix}{number}", st.sampled_from(["", "gw-"]), st.integers(1, 10**17))


@given(TENANTS, DEVICES, st.sampled_from(topics.SENT))
def test_every_tenant_has_topics_of_its_own(tenant: str, device: str, what: str) -> None:
    text = topics.topic(tenant, device, what)
    assert is_topic(text)
    place = topics.read(text)
    assert place is not None
    assert (place.tenant, place.device, place.what) == (tenant, device, what)
    assert f"{'gw-' if place.is_gateway else ''}{place.number}" == device
    assert matches(f"jp/v1/+/+/{what}", text)
    assert topics.is_below(text, tenant, device)
    assert topics.is_below(f"jp/v1/{topics.level(tenant)}/{device}/#", tenant, device)


@given(TENANTS, DEVICES, TENANTS, DEVICES)
def test_nothing_below_one_device_is_anothers(tenant: str, device: str, other: str, another: str) -> None:
    if (tenant, device) != (other, another):
        assert not topics.is_below(topics.topic(tenant, device, "#"), other, another)


@pytest.mark.parametrize(
    "text",
    ["jp/v1/t/5", "jp/v1/t", "jp/v2/t/5/energy", "x/jp/v1/t/5/energy", "jp/v1/t/05/energy", "jp/v1/t/0/energy",
     "jp/v1/t/-1/energy", "jp/v1/t/gw-/energy", "jp/v1/t/gw5/energy", "jp/v1/t/٥/energy", "jp/v1/%74/5/energy",
     "jp/v1/a%2fb/5/energy", f"jp/v1/t/{10**30}/energy"],
)  # fmt: skip
def test_another_spelling_is_no_place(text: str) -> None:
    assert topics.read(text) is None


@pytest.mark.parametrize(
    "pattern", ["#", "+/#", "jp/#", "jp/v1/#", "jp/v1/t/#", "jp/v1/t/+/errors", "jp/v1/+/5/cmd", "jp/v1/t/5"]
)
def test_a_filter_beyond_a_device_is_not_below_it(pattern: str) -> None:
    assert not topics.is_below(pattern, "t", "5")
