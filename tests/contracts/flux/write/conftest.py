"""What the tests of writes share."""

from __future__ import annotations

import pytest

from tests.contracts.flux.write.asking import Base


@pytest.fixture
def base() -> Base:
    """Empty relations."""
    return Base()
