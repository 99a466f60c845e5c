"""An immutable sequence of interceptors, and one call's way through it."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from gateway.interceptors import context
from gateway.interceptors.call import Call

Proceed = Callable[[], Awaitable[Any]]
State = Literal["enabled", "disabled", "absent"]


class Interceptor:
    """Surrounds calls. One form serves unary and streaming calls: `proceed` ends when the last message is sent."""

    name: str = ""

    async def around(self, call: Call, proceed: Proceed) -> Any:
        """Serve `call` by awaiting `proceed` once and returning its result; raise to refuse it."""
        return await proceed()

    def refused(self, call: Call) -> None:
        """Learn of a call that a link further out refused, so that `around` never saw it."""


@dataclass(frozen=True, slots=True)
class Link:
    """An interceptor at its place: a lower priority is further out."""

    priority: int
    interceptor: Interceptor
    enabled: bool = True

    @property
    def name(self) -> str:
        """The interceptor's name, unique in its chain."""
        return self.interceptor.name


class Chain:
    """Links sorted by priority. It never changes: each method returns another chain."""

    __slots__ = ("_active", "links")

    def __init__(self, links: Iterable[Link] = ()) -> None:
        self.links = tuple(sorted(links, key=lambda link: link.priority))
        names = [link.name for link in self.links]
        if len(set(names)) != len(names) or "" in names:
            raise ValueError(f"each link needs a name of its own, but they are {names}")
        self._active = tuple(link.interceptor for link in self.links if link.enabled)

    def state(self, name: str) -> State:
        """Whether the link `name` is here and runs, is here and rests, or is not here."""
        for link in self.links:
            if link.name == name:
                return "enabled" if link.enabled else "disabled"
        return "absent"

    def with_link(self, link: Link) -> "Chain":
        """This chain with `link`, in place of the one of the same name if there is one."""
        return Chain([*(old for old in self.links if old.name != link.name), link])

    def without(self, name: str) -> "Chain":
        """This chain, from which `name` is absent."""
        return Chain(link for link in self.links if link.name != name)

    def switched(self, name: str, *, enabled: bool) -> "Chain":
        """This chain with `name` enabled or disabled; raises KeyError when it is absent."""
        if self.state(name) == "absent":
            raise KeyError(name)
        return Chain(replace(link, enabled=enabled) if link.name == name else link for link in self.links)

    async def run(self, call: Call, serve: Proceed) -> Any:
        """Serve `call` by `serve`, surrounded by every enabled link; what is raised passes through unchanged."""
        token = context.enter(call)
        try:
            return await _step(self._active, 0, call, serve)
        except BaseException as error:
            call.ended_by(error)
            raise
        finally:
            for interceptor in self._active[call.reached + 1 :]:
                interceptor.refused(call)
            context.leave(token)


async def _step(links: tuple[Interceptor, ...], at: int, call: Call, serve: Proceed) -> Any:
    try:
        if at == len(links):
            return await serve()
        call.reached = at
        return await links[at].around(call, partial(_step, links, at + 1, call, serve))
    except BaseException as error:
        call.ended_by(error)
        raise
