"""Fixtures of the tests of links."""

import pytest
from prometheus_client import CollectorRegistry


@pytest.fixture
def registry() -> CollectorRegistry:
    """A registry of a test's own: a metric exists once in each."""
    return CollectorRegistry()
