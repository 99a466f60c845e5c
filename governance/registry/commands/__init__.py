"""What can be asked of the registry."""

from governance.registry.commands.endpoints import (
    DeregisterEndpoint,
    EndpointChange,
    RegisterEndpoint,
    UpdateEndpoints,
)
from governance.registry.commands.services import CreateService, DeleteService, UpdateService
from governance.registry.commands.upkeep import ExpireEndpoints, ReportHealth, keep_alive

__all__ = [
    "CreateService",
    "DeleteService",
    "DeregisterEndpoint",
    "EndpointChange",
    "ExpireEndpoints",
    "RegisterEndpoint",
    "ReportHealth",
    "UpdateEndpoints",
    "UpdateService",
    "keep_alive",
]
