"""Thousands of certificates fall due, a worker is killed meanwhile: each is renewed once, on time and as forecast."""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest

from governance.kernel.clock import now
from governance.ledger.stream import CHANGES
from governance.ledger.verify import verify
from governance.pki.models import Certificate, Issued
from governance.pki.queries.certificates import certificates, renewal_times
from governance.pki.renewal import LATE_AFTER, forecast
from governance.pki.values import KeySpec
from governance.pki.windows import Window
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.fixtures.processes import eventually
from tests.pki.conftest import DAY, clock_at, want
from tests.pki.workers import Worker, answer, running, tell

NAMESPACES = ("bank", "shop", "zoo")
BATCHES = 3  # made on as many days
DAYS = 5
# As if the workers looked only that often: what a killed one had taken is done at the look after, and still in time.
STEP = LATE_AFTER / 3
AT_NIGHT = Window(cron="0 2 * * *", duration_s=3600)
# Keys that take their time: whoever is killed early in the night is killed while it makes them.
SLOW = KeySpec(algorithm="RSA", size=2048)


def _made(count: int, noon: datetime) -> None:
    """Certificates of ten days, half of them renewed only at night, made at noon on several days."""
    for batch in range(BATCHES):
        with clock_at(noon + batch * DAY):
            mine = range(batch, count, BATCHES)
            for n in mine:
                want(
                    f"c-{n}",
                    namespace=NAMESPACES[n % 7 % 3],
                    duration_s=10 * 86_400,
                    windows=(AT_NIGHT,) if n % 2 else (),
                    private_key=SLOW if n % 2 and n < 60 else KeySpec(),
                )
            assert issue_due() == len(mine)


def _looks(since: datetime) -> Iterator[datetime]:
    """The times, a step apart, at which the workers find something due."""
    at = since
    while at < since + DAYS * DAY:
        yield at
        first = Certificate.objects.order_by("attempt_at").values_list("attempt_at", flat=True).first()
        assert first is not None
        at = max(at + STEP, at - (at - first) // STEP * STEP)


def _killed_in_the_middle(worker: Worker, at: datetime) -> int:
    """Kill the worker once it has taken something, and return how much of that it leaves behind."""
    held = Certificate.objects.exclude(claim="")
    assert not held.exists()
    tell(worker, at)
    eventually(held.exists, "the worker takes what is due")
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    return held.count()


def _renewed(house: House, since: datetime) -> None:
    """Let two workers do everything, one of which is killed when most is due, and replaced."""
    killed = False
    with ExitStack() as stack:
        workers = [stack.enter_context(running(house)) for _ in range(2)]
        for at in _looks(since):
            if not killed and at.hour == 2:
                assert _killed_in_the_middle(workers.pop(), at) > 0
                killed = True
            for worker in workers:
                tell(worker, at)
            for worker in workers:
                answer(worker)
            if len(workers) == 1:
                workers.append(stack.enter_context(running(house)))
    assert killed


def _scale(house: House, count: int) -> float:
    """Check it with so many certificates, and return how long the renewals took in seconds."""
    noon = (now() + DAY).replace(hour=12, minute=0, second=0, microsecond=0)
    since = noon + 6 * DAY
    _made(count, noon)
    wanted = certificates(namespaces=NAMESPACES)
    planned = {f"certificate/{each.path}": each.renew_at for each in wanted}
    expected = forecast(renewal_times(until=since + DAYS * DAY), since=since, days=DAYS)
    assert len(planned) == sum(expected) == count
    begun = time.monotonic()
    _renewed(house, since)
    took = time.monotonic() - begun
    _once(count)
    done = dict(Issued.objects.filter(number=2).values_list("holder", "issued_at"))
    waits = [done[holder] - at for holder, at in planned.items() if at is not None]
    assert len(waits) == count
    assert min(waits) >= timedelta()
    assert max(waits) < LATE_AFTER, "none was ever overdue"
    per_day = Counter((at - since) // DAY for at in done.values())
    assert [per_day[day] for day in range(DAYS)] == expected
    return took


def _once(count: int) -> None:
    """Check that each was issued a second time and no third, and that nothing is left over."""
    assert {(each.number, each.failures, each.reason) for each in certificates(namespaces=NAMESPACES)} == {(2, 0, "")}
    assert Issued.objects.filter(number=2).count() == count
    assert not Issued.objects.filter(number__gt=2).exists()
    assert not Certificate.objects.exclude(claim="").exists()
    assert verify(CHANGES).sound


def test_a_thousand_certificates_are_renewed_once_and_on_time_although_a_worker_is_killed(pki: House) -> None:
    assert _scale(pki, 1_000) < 60


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_ten_thousand_certificates_are_renewed_once_and_on_time_although_a_worker_is_killed(pki: House) -> None:
    assert _scale(pki, 10_000) < 300
