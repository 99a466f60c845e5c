"""Answers about certificates."""

from rest_framework import serializers as drf

from gateway.rest.fields import Shape
from gateway.rest.shapes.common import Receipt
from gateway.rest.shapes.transparency import Logged, PendingIssue

_STATES = ["expired", "revoked", "critical", "failing", "overdue", "due", "ok"]
_URGENCIES = ["ok", "due", "overdue", "critical", "expired"]


class Key(Shape):
    """Which key it has."""

    algorithm = drf.CharField()
    size = drf.IntegerField()
    rotation_policy = drf.CharField()


class Window(Shape):
    """When a renewal may begin."""

    cron = drf.CharField()
    duration_s = drf.IntegerField()
    timezone = drf.CharField()


class Spec(Shape):
    """What is wanted of a certificate."""

    secret_name = drf.CharField()
    issuer = drf.CharField()
    duration_s = drf.IntegerField()
    renew_before_s = drf.IntegerField(allow_null=True)
    renew_before_pct = drf.IntegerField(allow_null=True)
    renewal = drf.CharField()
    common_name = drf.CharField()
    dns_names = drf.ListField(child=drf.CharField())
    uris = drf.ListField(child=drf.CharField())
    ip_addresses = drf.ListField(child=drf.CharField())
    usages = drf.ListField(child=drf.CharField())
    private_key = Key()
    revision_history_limit = drf.IntegerField()
    windows = Window(many=True)
    consumers = drf.ListField(child=drf.CharField())


class Condition(Shape):
    """One aspect of a certificate: whether it is so, a reason for machines, a message for people."""

    holds = drf.BooleanField()
    reason = drf.CharField()
    message = drf.CharField()


class Certificate(Shape):
    """A managed certificate; serial, times and what the logs say are those of its newest issue in force.

    `transparency` is null before the first check; `pending` is the issue that waits for its proof, if one does.
    """

    namespace = drf.CharField()
    name = drf.CharField()
    spec = Spec()
    state = drf.ChoiceField(choices=_STATES)
    urgency = drf.ChoiceField(choices=_URGENCIES)
    ready = Condition()
    issuing = Condition()
    generation = drf.IntegerField()
    issued_generation = drf.IntegerField()
    number = drf.IntegerField()
    serial = drf.CharField()
    not_before = drf.DateTimeField(allow_null=True)
    not_after = drf.DateTimeField(allow_null=True)
    renew_at = drf.DateTimeField(allow_null=True)
    plan_warning = drf.CharField()
    reason = drf.CharField()
    attempt_at = drf.DateTimeField(allow_null=True)
    failures = drf.IntegerField()
    last_failure_at = drf.DateTimeField(allow_null=True)
    last_error = drf.CharField()
    revoked_reason = drf.CharField()
    revision = drf.IntegerField()
    transparency = Logged(allow_null=True)
    pending = PendingIssue(allow_null=True)


class CertificatePage(Shape):
    """Certificates by namespace and name."""

    certificates = Certificate(many=True)
    next_page_token = drf.CharField(allow_blank=True)
    revision = drf.IntegerField()


class Issued(Shape):
    """A certificate that was signed here, and those that are sent with it; `transparency` is null before a check."""

    serial = drf.CharField()
    authority = drf.CharField()
    holder = drf.CharField()
    number = drf.IntegerField()
    uris = drf.ListField(child=drf.CharField())
    dns_names = drf.ListField(child=drf.CharField())
    not_before = drf.DateTimeField()
    not_after = drf.DateTimeField()
    chain_pem = drf.CharField()
    issued_at = drf.DateTimeField()
    revoked_at = drf.DateTimeField(allow_null=True)
    revoked_reason = drf.CharField()
    revision = drf.IntegerField()
    transparency = Logged(allow_null=True)


class IssuedPage(Shape):
    """Newest first."""

    issued = Issued(many=True)
    next_page_token = drf.CharField(allow_blank=True)


class ChainStep(Shape):
    """One certificate of a chain; `revoked` is empty, the reason, or "unknown"."""

    subject = drf.CharField()
    issuer = drf.CharField()
    serial = drf.CharField()
    not_before = drf.DateTimeField()
    not_after = drf.DateTimeField()
    key = drf.CharField()
    usages = drf.ListField(child=drf.CharField())
    is_ca = drf.BooleanField()
    revoked = drf.CharField()
    problems = drf.ListField(child=drf.CharField())


class Verdict(Shape):
    """Whether a chain holds, and what openssl would say of it."""

    ok = drf.BooleanField()
    reason = drf.CharField()
    message = drf.CharField()
    openssl = drf.CharField()
    steps = ChainStep(many=True)


class SignedRequest(Receipt):
    """The receipt, and the certificate; null when only validated."""

    issued = Issued(allow_null=True)


class Forecast(Shape):
    """How many renewals begin on each day of 24 h from `since` on; those that are late count on the first."""

    since = drf.DateTimeField()
    renewals = drf.ListField(child=drf.IntegerField())
