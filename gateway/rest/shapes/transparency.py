"""Answers about logs, timestamps, proofs, findings, and what is watched."""

from typing import get_args

from rest_framework import serializers as drf

from gateway.rest.fields import Shape
from governance.pki.ct.board import KINDS as KINDS_OF_ROWS
from governance.pki.ct.check import SctState
from governance.pki.ct.explaining import Delivery
from governance.pki.ct.logs import KINDS, STATE_NAMES, Source
from governance.pki.ct.logstates import Status
from governance.pki.ct.standing import FindingKind, Mode
from governance.pki.ct.standing import Logged as States

_LOGGED = list(get_args(States))


class Logged(Shape):
    """Whether a certificate is in the logs, by the last check; `why` says what lacks."""

    state = drf.ChoiceField(choices=_LOGGED)
    why = drf.CharField()
    checked_at = drf.DateTimeField()


class PendingIssue(Shape):
    """An issue that is not put in force before it is proven to be logged; `why` says what lacks."""

    serial = drf.CharField()
    number = drf.IntegerField()
    since = drf.DateTimeField()
    why = drf.CharField()


class Log(Shape):
    """A log of certificates, how it stands, and what is known of it; `lag` counts entries that were not looked at."""

    log_id = drf.CharField()
    description = drf.CharField()
    operator = drf.CharField()
    kind = drf.ChoiceField(choices=list(KINDS))
    source = drf.ChoiceField(choices=list(get_args(Source)))  # type: ignore[assignment]  # as with `errors`
    submission_url = drf.CharField()
    monitoring_url = drf.CharField()
    origin = drf.CharField()
    state = drf.ChoiceField(choices=list(STATE_NAMES))
    mmd_s = drf.IntegerField()
    interval_start = drf.DateTimeField(allow_null=True)
    interval_end = drf.DateTimeField(allow_null=True)
    denied = drf.BooleanField()
    key_pem = drf.CharField()
    status = drf.ChoiceField(choices=list(get_args(Status)))
    why = drf.CharField()
    checkpoint = drf.CharField()
    size = drf.IntegerField()
    checkpoint_at = drf.DateTimeField(allow_null=True)
    believed_at = drf.DateTimeField(allow_null=True)
    read_at = drf.DateTimeField(allow_null=True)
    next_index = drf.IntegerField()
    lag = drf.IntegerField()
    error = drf.CharField()
    failing_since = drf.DateTimeField(allow_null=True)
    lie = drf.CharField()
    lie_message = drf.CharField()
    lie_evidence = drf.DictField(child=drf.CharField())
    lie_at = drf.DateTimeField(allow_null=True)


class LogPage(Shape):
    """Our own log first, then the pinned ones, then those of the public list."""

    logs = Log(many=True)
    next_page_token = drf.CharField(allow_blank=True)


class LogTimestamp(Shape):
    """What a log promised about a certificate, whether the promise holds, and whether it was kept."""

    delivery = drf.ChoiceField(choices=list(get_args(Delivery)))
    log_id = drf.CharField()
    log_description = drf.CharField()
    operator = drf.CharField()
    at = drf.DateTimeField()
    verdict = drf.ChoiceField(choices=list(get_args(SctState)))
    verdict_why = drf.CharField()
    included = drf.ChoiceField(choices=_LOGGED)
    included_why = drf.CharField()
    index = drf.IntegerField(allow_null=True)
    pinned = drf.BooleanField()


class Advice(Shape):
    """What Chrome's policy asks of certificates of public authorities; every rule that is broken."""

    satisfied = drf.BooleanField()
    reasons = drf.ListField(child=drf.CharField())


class Explained(Shape):
    """How a certificate stands towards the logs; `advice` is null where no public log is involved."""

    serial = drf.CharField()
    dns_names = drf.ListField(child=drf.CharField())
    not_before = drf.DateTimeField()
    not_after = drf.DateTimeField()
    state = drf.ChoiceField(choices=_LOGGED)
    why = drf.CharField()
    checked_at = drf.DateTimeField(allow_null=True)
    timestamps = LogTimestamp(many=True)
    advice = Advice(allow_null=True)
    pending = PendingIssue(allow_null=True)


class Evidence(Shape):
    """All that anybody needs to check that a certificate is in a log; `log_ids` are those of which there is a proof."""

    serial = drf.CharField()
    log_id = drf.CharField()
    log_description = drf.CharField()
    proof = drf.CharField()
    certificate_pem = drf.CharField()
    log_key_pem = drf.CharField()
    log_ids = drf.ListField(child=drf.CharField())
    proven_at = drf.DateTimeField()


class Finding(Shape):
    """Something that somebody has to look at; the namespace "*" is the installation."""

    id = drf.CharField()
    kind = drf.ChoiceField(choices=list(get_args(FindingKind)))
    namespace = drf.CharField()
    subject = drf.CharField()
    message = drf.CharField()
    detail = drf.JSONField()
    opened_at = drf.DateTimeField()
    acknowledged_at = drf.DateTimeField(allow_null=True)
    closed_at = drf.DateTimeField(allow_null=True)
    alarming = drf.BooleanField()
    revision = drf.IntegerField()


class FindingPage(Shape):
    """Newest first."""

    findings = Finding(many=True)
    next_page_token = drf.CharField(allow_blank=True)
    revision = drf.IntegerField()


class LogGate(Shape):
    """What an issuer's certificates need before they are put in force; revision 0 when it was never set."""

    issuer = drf.CharField()
    mode = drf.ChoiceField(choices=list(get_args(Mode)))
    revision = drf.IntegerField()


class LogGates(Shape):
    """By issuer."""

    gates = LogGate(many=True)


class Watched(Shape):
    """The names for which logs are searched besides those of our own certificates."""

    names = drf.ListField(child=drf.CharField())
    revision = drf.IntegerField()


class Listener(Shape):
    """A TLS port that is looked at, and what it showed the last time."""

    id = drf.CharField()
    namespace = drf.CharField()
    address = drf.CharField()
    server_name = drf.CharField()
    revision = drf.IntegerField()
    serial = drf.CharField()
    fingerprint = drf.CharField()
    seen_at = drf.DateTimeField(allow_null=True)
    asked_at = drf.DateTimeField(allow_null=True)
    error = drf.CharField()


class ListenerPage(Shape):
    """By namespace, address and server name."""

    listeners = Listener(many=True)
    next_page_token = drf.CharField(allow_blank=True)


class BoardRow(Shape):
    """Where what was issued, what is logged and what is served say different things; "unknown" when none can tell."""

    kind = drf.ChoiceField(choices=list(KINDS_OF_ROWS))
    state = drf.ChoiceField(choices=["so", "unknown"])
    namespace = drf.CharField()
    service = drf.CharField()
    subject = drf.CharField()
    serial = drf.CharField()
    since = drf.DateTimeField(allow_null=True)
    message = drf.CharField(source="sentence")
    target = drf.ListField(child=drf.CharField())


class BoardCounts(Shape):
    """How many rows of each kind there are for a namespace, or for one service in it."""

    namespace = drf.CharField()
    service = drf.CharField()
    counts = drf.DictField(child=drf.IntegerField())


class Board(Shape):
    """The most alarming first; counts are of all rows, whatever was asked for. It says nothing where nobody looked."""

    rows = BoardRow(many=True)
    next_page_token = drf.CharField(allow_blank=True)
    counts = drf.DictField(child=drf.IntegerField())
    tenants = BoardCounts(many=True)
    services = BoardCounts(many=True)
    at = drf.DateTimeField()
    ports = drf.IntegerField()
    ports_answering = drf.IntegerField()
    looked_at = drf.DateTimeField(allow_null=True)
