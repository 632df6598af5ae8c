"""Tests of the Joulepoint contract. `conftest` has what they share."""
