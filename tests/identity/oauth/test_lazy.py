"""A server's start does not pay for what the first request for a token needs."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import wattline.app
import wattline.contracts.joulepoint.oauth
print("oauthlib" in sys.modules)
from wattline.identity.oauth import rules
print("oauthlib" in sys.modules)
"""


def test_oauthlib_is_not_loaded_by_a_start() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "True"]
