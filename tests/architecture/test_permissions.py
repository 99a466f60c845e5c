"""Nothing can be asked for without a permission."""

import ast
import importlib

from google.protobuf.descriptor import MethodDescriptor

from gateway.proto import (
    audit_pb2,
    certificate_pb2,
    dataplane_pb2,
    options_pb2,
    registry_pb2,
    traffic_pb2,
    transparency_pb2,
)
from governance.kernel.permissions import PERMISSIONS
from governance.ledger.command import Command, all_commands
from governance.schedule import TASKS, scheduled
from tests.architecture.tree import module_of, python_files, syntax

APIS = (audit_pb2, certificate_pb2, dataplane_pb2, registry_pb2, traffic_pb2, transparency_pb2)
# A join token is the right to the one; everybody may know whom to trust.
PUBLIC = {"governor.admin.v1.EnrolmentService.Join", "governor.admin.v1.EnrolmentService.GetRoots"}


def _commands() -> set[type[Command]]:
    """The product's commands, and not the drafts that `dataclass(slots=True)` leaves behind."""

    def below(kind: type[Command]) -> set[type[Command]]:
        return {kind} | {found for child in kind.__subclasses__() for found in below(child)}

    return {
        kind
        for kind in below(Command)
        if kind.__module__.startswith("governance.")
        and hasattr(kind, "action")
        and getattr(importlib.import_module(kind.__module__), kind.__name__) is kind
    }


def _methods() -> list[MethodDescriptor]:
    services = [service for api in APIS for service in api.DESCRIPTOR.services_by_name.values()]
    return [method for service in services for method in service.methods]


def test_every_command_has_a_handler_and_a_known_permission() -> None:
    assert {kind.__name__ for kind in _commands() - set(all_commands())} == set()
    assert {kind.__name__ for kind in _commands() if kind.permission not in PERMISSIONS} == set()


def test_every_command_is_in_a_test() -> None:
    names = {node.id for path in python_files("tests") for node in ast.walk(syntax(path)) if isinstance(node, ast.Name)}
    assert {kind.__name__ for kind in _commands()} - names == set()


def test_every_method_of_the_admin_api_declares_a_known_permission() -> None:
    declared = {method.full_name: method.GetOptions().Extensions[options_pb2.permission] for method in _methods()}
    unknown = {name: needed for name, needed in declared.items() if needed not in PERMISSIONS}
    assert unknown == dict.fromkeys(PUBLIC, "")


def test_every_task_is_scheduled_from_a_listed_module_with_a_known_permission() -> None:
    modules = {module_of(path) for path in python_files("governance") if path.name == "tasks.py"}
    assert modules == set(TASKS)
    for module in TASKS:
        importlib.import_module(module)
    assert {name for name, task in scheduled().items() if task.permission not in PERMISSIONS} == set()
