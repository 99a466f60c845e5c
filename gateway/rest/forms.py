"""What the bodies may hold; what the values mean is checked where they are made."""

from rest_framework import serializers as drf

from gateway.rest.fields import Flag, Form, Octets, Text, Whole


class _Reasoned(Form):
    reason = Text(required=False, default="")


class NewService(_Reasoned):
    """A service to add."""

    namespace = Text(default="default")
    name = Text()
    owner = Text(default="")
    protocol = Text(default="grpc")
    description = Text(default="")
    grpc_services = drf.ListField(child=Text(), default=list)


class ServiceUpdate(_Reasoned):
    """What to change of a service; what is left out stays."""

    owner = Text(required=False)
    description = Text(required=False)
    grpc_services = drf.ListField(child=Text(), required=False)


class NewEndpoint(_Reasoned):
    """An instance; ttl_s 0 registers it without a lease."""

    name = Text()
    host = Text()
    port = Whole()
    zone = Text()
    sub_zone = Text(default="")
    weight = Whole(default=1)
    metadata = drf.DictField(child=Text(), default=dict)
    version = Text(default="")
    ttl_s = Whole(default=30)


class _EndpointFields(Form):
    weight = Whole(required=False)
    isolated = Flag(required=False)
    draining = Flag(required=False)
    metadata = drf.DictField(child=Text(), required=False)


class EndpointUpdate(_EndpointFields, _Reasoned):
    """What to change of one endpoint; an empty metadata value removes the key."""


class NamedEndpointUpdate(_EndpointFields):
    """The same with the endpoint's name."""

    name = Text()


class EndpointUpdates(_Reasoned):
    """Changes to some endpoints of one service, made in one step."""

    changes = NamedEndpointUpdate(many=True)


class BalancingForm(_Reasoned):
    """A policy with the parameters it takes; `force` sends it although some client would reject it."""

    policy = Text()
    timeout_ms = Whole(required=False)
    weights = drf.DictField(child=Whole(), required=False)
    weigh_by = Text(required=False)
    choice_count = Whole(required=False)
    strict = Flag(required=False)
    hash_header = Text(required=False)
    hash_function = Text(required=False)
    min_ring_size = Whole(required=False)
    order = drf.ListField(child=Text(), required=False)
    spill_pct = Whole(required=False)
    force = Flag(default=False)


class Restore(_Reasoned):
    """The revision to put in force again; 0 is the default policy."""

    to_revision = Whole()
    force = Flag(default=False)


class ConfigUpdate(_Reasoned):
    """The short form of a switch. `service` is "namespace/name", or a name in the namespace default."""

    policy_name = Text()
    weights = drf.DictField(child=Whole(), required=False)
    timeout_ms = Whole(required=False)
    service = Text()
    resource_version = Whole(required=False)
    request_id = Text(default="")
    force = Flag(default=False)


class RoleForm(_Reasoned):
    """A role in a namespace ("*": in all)."""

    role = Text()
    namespace = Text(default="*")


class TokenRole(Form):
    """One role of a token."""

    role = Text()
    namespace = Text(default="*")


class NewToken(_Reasoned):
    """A token to make; it holds no more than its owner does, and lives for `lifetime_s`."""

    name = Text()
    roles = TokenRole(many=True)
    lifetime_s = Whole(default=3600)


class NewPerson(_Reasoned):
    """Someone to add; a one-time password is made up for them."""

    username = Text()


class KeyForm(Form):
    """Which key a certificate has; without a size, the smallest of its kind."""

    algorithm = Text(default="ECDSA")
    size = Whole(required=False)
    rotation_policy = Text(default="Always")


class WindowForm(Form):
    """When a renewal may begin, by a cron expression of five fields."""

    cron = Text()
    duration_s = Whole()
    timezone = Text(default="UTC")


class CertificateForm(_Reasoned):
    """What is wanted of a certificate, whole: what is left out has its default, not what it was before."""

    secret_name = Text(required=False)
    issuer = Text(required=False)
    duration_s = Whole(required=False)
    renew_before_s = Whole(required=False, allow_null=True)
    renew_before_pct = Whole(required=False, allow_null=True)
    renewal = Text(required=False)
    common_name = Text(required=False)
    dns_names = drf.ListField(child=Text(), required=False)
    uris = drf.ListField(child=Text(), required=False)
    ip_addresses = drf.ListField(child=Text(), required=False)
    usages = drf.ListField(child=Text(), required=False)
    private_key = KeyForm(required=False)
    revision_history_limit = Whole(required=False)
    windows = WindowForm(many=True, required=False)
    consumers = drf.ListField(child=Text(), required=False)


class Revocation(_Reasoned):
    """Why a certificate is taken back (RFC 5280), and whether another is issued in its place."""

    cause = Text(default="unspecified")
    without_replacement = Flag(default=False)


class ChainForm(Form):
    """A chain by the serial number of an issued certificate, or in PEM; at most one of both."""

    serial = Text(default="")
    pem = Text(default="")
    purpose = Text(default="server")
    name = Text(default="")


class SigningForm(_Reasoned):
    """A signing request in PEM, and the names that the certificate is for."""

    namespace = Text(default="default")
    name = Text()
    issuer = Text(required=False)
    csr = Text()
    common_name = Text(required=False)
    dns_names = drf.ListField(child=Text(), required=False)
    uris = drf.ListField(child=Text(), required=False)
    ip_addresses = drf.ListField(child=Text(), required=False)
    duration_s = Whole(required=False)
    usages = drf.ListField(child=Text(), required=False)


class ImportForm(_Reasoned):
    """An authority that was made elsewhere: its certificate and those above it, and its private key, in PEM."""

    name = Text()
    certificate = Text()
    key = Text()
    passphrase = Text(default="")
    namespaces = drf.ListField(child=Text(), default=list)
    dns_names = drf.ListField(child=Text(), default=list)
    max_duration_s = Whole(required=False)


class Step(_Reasoned):
    """The next step of a rotation."""

    to = Text()


class WorkloadForm(_Reasoned):
    """Whether a workload may do anything."""

    enabled = Flag()


class NewJoinToken(_Reasoned):
    """Whose first certificate it is for."""

    namespace = Text(default="default")
    workload = Text()
    lifetime_s = Whole(default=3600)


class JoinForm(Form):
    """The secret of a join token, and a signing request in PEM."""

    token = Text()
    csr = Text()


class TransportForm(_Reasoned):
    """How the calls to a service travel: "mutual", to servers with one of these identities, or "plaintext"."""

    mode = Text()
    server_uris = drf.ListField(child=Text(), default=list)


class TransparencyForm(Form):
    """A certificate by its serial number, or its chain in PEM; with the latter what came beside it in the handshake.

    `stapled` is an OCSP response, `tls` the content of the extension signed_certificate_timestamp, both in base64. With
    `ask_logs` the logs are asked now.
    """

    serial = Text(default="")
    pem = Text(default="")
    stapled = Octets(default=b"")
    tls = Octets(default=b"")
    ask_logs = Flag(default=False)


class Acknowledgement(_Reasoned):
    """Why a finding may be so."""


class GateForm(_Reasoned):
    """What an issuer's certificates need before they are put in force: "gate", "alarm" or "off"."""

    mode = Text()


class WatchedForm(_Reasoned):
    """All names for which logs are searched."""

    names = drf.ListField(child=Text())


class NewListener(_Reasoned):
    """A TLS port to look at, host:port, and what to ask for there."""

    namespace = Text(default="default")
    address = Text()
    server_name = Text(default="")
