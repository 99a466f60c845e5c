"""How many certificates are how pressing, as monitoring sees it."""

from datetime import timedelta
from typing import get_args

from governance.kernel.clock import now
from governance.pki.models import Certificate
from governance.pki.renewal import Urgency
from governance.pki.tasks import by_urgency, watch_renewals
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.pki.conftest import DAY, HOUR, clock_at, renewal_of, want


def _counted() -> dict[str, float]:
    watch_renewals()
    counts = {each: by_urgency.labels(each)._value.get() for each in get_args(Urgency)}
    return {each: count for each, count in counts.items() if count}


def test_certificates_are_counted_by_how_pressing_their_renewal_is(pki: House) -> None:
    want("never")
    assert _counted() == {"ok": 2, "due": 1}
    want("short", dns_names=("short.shop.svc",), duration_s=86_400)
    issue_due()
    assert _counted() == {"ok": 4}
    for at, expected in (
        (renewal_of("short") + timedelta(minutes=1), {"ok": 3, "due": 1}),
        (renewal_of("short") + timedelta(minutes=20), {"ok": 3, "overdue": 1}),
        (now() + 22 * HOUR, {"ok": 3, "critical": 1}),
        (now() + DAY, {"ok": 3, "expired": 1}),
    ):
        with clock_at(at):
            assert _counted() == expected


def test_one_that_cannot_be_made_sense_of_is_counted_all_the_same(pki: House) -> None:
    want()
    issue_due()
    Certificate.objects.filter(namespace="shop").update(spec={"secret_name": "?"})
    assert _counted() == {"ok": 3}
