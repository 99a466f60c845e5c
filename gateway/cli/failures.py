"""What can go wrong, as one clear line and an exit code that scripts can rely on."""

import sys
from collections.abc import Callable
from typing import Any

import grpc

REFUSED, USAGE, NOT_ALLOWED, NOT_FOUND, CONFLICT, UNREACHABLE = 1, 2, 3, 4, 5, 6
_EXIT = {
    grpc.StatusCode.UNAUTHENTICATED: NOT_ALLOWED,
    grpc.StatusCode.PERMISSION_DENIED: NOT_ALLOWED,
    grpc.StatusCode.NOT_FOUND: NOT_FOUND,
    grpc.StatusCode.ABORTED: CONFLICT,
    grpc.StatusCode.ALREADY_EXISTS: CONFLICT,
    grpc.StatusCode.UNAVAILABLE: UNREACHABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: UNREACHABLE,
}
CODES_HELP = (
    "Exit codes: 0 done, 1 refused, 2 wrong usage, 3 not allowed, 4 not found, 5 changed meanwhile or already used, "
    "6 server unreachable."
)


class Failure(Exception):
    """Ends govctl with `code` after `message`; `details` follow on lines of their own."""

    def __init__(self, message: str, code: int = REFUSED, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message, self.code, self.details = message, code, details

    def tell(self) -> None:
        """Write it where errors go."""
        lines = [f"govctl: {self.message}", *(f"  {detail}" for detail in self.details)]
        sys.stderr.write("\n".join(lines) + "\n")


def failure_of(error: grpc.RpcError, server: str, hint: Callable[[str], str]) -> Failure:
    """What the server answered, in its own words; `hint` says what may help when it cannot be reached."""
    code: grpc.StatusCode = error.code()
    said = error.details() or code.name
    if code is grpc.StatusCode.UNAVAILABLE:
        help_ = hint(said)
        return Failure(f"cannot reach {server}: {said}" + (f" ({help_})" if help_ else ""), UNREACHABLE)
    if code is grpc.StatusCode.UNAUTHENTICATED:
        said += " (give a token by --token-file or GOVCTL_TOKEN; `manage.py token` makes one)"
    violations = _violations(error)
    details = violations if len(violations) > 1 else ()
    return Failure(said, _EXIT.get(code, REFUSED), details)


def _violations(error: Any) -> tuple[str, ...]:
    from google.rpc.error_details_pb2 import BadRequest
    from grpc_status import rpc_status

    try:
        status = rpc_status.from_call(error)
    except ValueError:  # the details contradict the status: show the status
        return ()
    found: list[str] = []
    for detail in status.details if status else ():
        request = BadRequest()
        if detail.Unpack(request):
            found += [f"{one.field}: {one.description}" for one in request.field_violations]
    return tuple(found)
