"""Who is calling, for the code that serves the call."""

from contextvars import ContextVar

from gateway.interceptors.call import Call
from governance.kernel.actor import STRANGER, Actor

_call: ContextVar[Call | None] = ContextVar("call", default=None)
enter = _call.set
leave = _call.reset


def current_call() -> Call | None:
    """The call being served, or None outside of one."""
    return _call.get()


def current_actor() -> Actor:
    """Who makes the call being served; a stranger outside of a call and before the auth link."""
    call = _call.get()
    return call.actor if call is not None else STRANGER
