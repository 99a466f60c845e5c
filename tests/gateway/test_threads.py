"""Threads that use the database beside an event loop."""

import os

import psycopg
import pytest

from gateway.threads import Threads
from governance.ledger import queries
from tests.fixtures.house import House

_TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = %s"


@pytest.mark.skipif("GOV_DATABASE_URL" not in os.environ, reason="SQLite has no server that ends connections")
async def test_a_connection_that_the_server_ended_is_replaced(house: House) -> None:
    threads = Threads(1, "test")
    url = house.environ["GOV_DATABASE_URL"]
    assert await threads.run(queries.head_revision) == 0
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(_TERMINATE, [url.rpartition("/")[2]])
    assert await threads.run(queries.head_revision) == 0
