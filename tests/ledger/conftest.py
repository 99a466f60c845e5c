"""What tests of the ledger share."""

from collections.abc import Callable

import pytest

from governance.compliance.stream import calls
from governance.compliance.streams import STREAMS, sign_calls
from governance.compliance.values import CallRecord
from governance.kernel.actor import SYSTEM
from governance.ledger.checkpoint import sign_changes
from governance.ledger.command import Receipt
from governance.ledger.execute import execute
from governance.ledger.stream import Stream
from governance.registry.commands import CreateService, UpdateService
from governance.registry.values import ServiceSpec
from tests.fixtures.house import House

Say = Callable[[str], Receipt]
EVENTS = 12
SIGNED = 8


@pytest.fixture
def say(ledger: House) -> Say:
    """Changes the description of one service: the smallest change there is."""
    execute(CreateService(namespace="shop", spec=ServiceSpec(namespace="shop", name="checkout")), by=SYSTEM)

    def change(text: str) -> Receipt:
        return execute(UpdateService(namespace="shop", service="checkout", description=text), by=SYSTEM)

    return change


@pytest.fixture(params=["changes", "calls"])
def stream(request: pytest.FixtureRequest, say: Say) -> Stream:
    """One of the streams with twelve events, signed at the eighth."""
    for n in range(2, EVENTS + 1):
        say(str(n))
        if n == SIGNED:
            sign_changes()
    for n in range(1, EVENTS + 1):
        calls().record(CallRecord(action="rpc.call", thing=str(n)))
        assert n != SIGNED or (calls().flush(60) and sign_calls())
    assert calls().flush(60)
    return STREAMS[request.param]
