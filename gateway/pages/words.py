"""Words of the domain as a reader sees them, in the reader's language."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PERMISSION_WORDS: Mapping[str, Promise] = {
    "registry.read": _("see services and endpoints"),
    "registry.write": _("create, change and delete services; isolate, drain and weigh endpoints"),
    "registry.register": _("register instances and keep their leases alive"),
    "traffic.read": _("see balancing policies and their history"),
    "traffic.write": _("switch and restore balancing policies"),
    "dataplane.read": _("see connected clients and what each was sent and acknowledged"),
    "pki.read": _("see certificates, authorities, workloads and their state"),
    "pki.write": _("request, change and renew certificates; set how services are called"),
    "pki.revoke": _("revoke certificates, disable workloads"),
    "pki.join": _("make and withdraw join tokens"),
    "pki.authority": _("create and import authorities, rotate the root"),
    "pki.transparency": _("open or close the gate of the logs, set what is watched, acknowledge findings"),
    "audit.read": _("read the audit trail"),
    "system.read": _("see the state of the parts of the system"),
}

POLICY_WORDS: Mapping[str, tuple[Promise, Promise]] = {
    "round_robin": (_("Round robin"), _("Every instance in turn, the same share for each.")),
    "weighted_round_robin": (_("Weighted round robin"), _("In turn, by the weight of each instance or version.")),
    "least_request": (_("Least request"), _("The least busy of a few instances picked at random.")),
    "ring_hash": (_("Ring hash"), _("The same key always goes to the same instance.")),
    "pick_first": (_("Pick first"), _("All calls to the first instance that answers, the others stand by.")),
    "zone_aware": (_("Zone aware"), _("Calls stay in the caller's zone; a chosen part may leave it.")),
}

DOOR_WORDS: Mapping[str, Promise] = {
    "grpc-web": _("gRPC-Web"),
    "page": _("dashboard"),
    "grpc": _("gRPC"),
    "rest": _("REST"),
    "cli": _("command line"),
    "task": _("automatic"),
    "local": _("local"),
    "websocket": _("live page"),
}

FIELD_WORDS: Mapping[str, Promise] = {
    "owner": _("Owner"),
    "description": _("Description"),
    "grpc_services": _("Protobuf services"),
    "policy": _("Policy"),
    "timeout_ms": _("Timeout (ms)"),
    "weights": _("Weights"),
    "weigh_by": _("Weigh by"),
    "choice_count": _("Instances compared per call"),
    "strict": _("Refuse clients that lack it"),
    "hash_header": _("Header that is hashed"),
    "hash_function": _("Hash function"),
    "min_ring_size": _("Smallest ring size"),
    "order": _("Order of preference"),
    "spill_pct": _("Calls that leave the zone (%)"),
}
