"""Every permission there is, and the roles that bundle them."""

from collections.abc import Mapping

PERMISSIONS: Mapping[str, str] = {
    "registry.read": "see services and endpoints",
    "registry.write": "create, change and delete services; isolate, drain and weigh endpoints",
    "registry.register": "register instances and keep their leases alive",
    "traffic.read": "see balancing policies and their history",
    "traffic.write": "switch and restore balancing policies",
    "dataplane.read": "see connected clients and what each was sent and acknowledged",
    "dataplane.connect": "open an xDS stream and report load",
    "pki.read": "see certificates, authorities, workloads and their state",
    "pki.write": "request, change and renew certificates; set how services are called",
    "pki.revoke": "revoke certificates, disable workloads",
    "pki.join": "make and withdraw join tokens",
    "pki.authority": "create and import authorities, rotate the root",
    "pki.transparency": "open or close the gate of the logs, set what is watched, acknowledge findings",
    "pki.enroll": "have one's own certificate renewed",
    "pki.maintain": "issue what is due, publish revocation lists",
    "audit.read": "read the audit trail",
    "audit.prove": "fetch checkpoints and proofs",
    "access.read": "see people, roles and tokens",
    "access.write": "create people, grant roles, revoke tokens of others",
    "access.self": "change one's own password, make and revoke one's own tokens",
    "system.read": "see the state of the parts of the system, and metrics",
    "system.maintain": "run scheduled maintenance: expire leases, report health",
}

_VIEW = frozenset({"registry.read", "traffic.read", "dataplane.read", "pki.read", "access.self", "system.read"})

ROLES: Mapping[str, frozenset[str]] = {
    "viewer": _VIEW,
    "operator": _VIEW | {"registry.write", "registry.register", "traffic.write", "pki.write", "pki.join", "audit.read"},
    "security": _VIEW
    | {"audit.read", "audit.prove", "access.read", "access.write"}
    | {"pki.write", "pki.revoke", "pki.join", "pki.authority", "pki.transparency"},
    "auditor": _VIEW | {"audit.read", "audit.prove", "access.read"},
    "workload": frozenset({"registry.read", "registry.register", "dataplane.connect", "pki.enroll"}),
    "admin": frozenset(PERMISSIONS) - {"system.maintain", "pki.maintain"},
}


def held_by(roles: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Grants (namespace -> permissions) of someone who holds `roles` (namespace -> names of roles)."""
    return {space: frozenset().union(*(ROLES[name] for name in names)) for space, names in roles.items()}
