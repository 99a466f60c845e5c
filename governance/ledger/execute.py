"""The only way anything changes."""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import structlog
from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, connection, transaction

from governance.kernel import canonical
from governance.kernel.actor import EVERYWHERE, Actor
from governance.kernel.clock import now, stamp
from governance.kernel.errors import Conflict, Forbidden, Invalid, StaleRevision, Unavailable
from governance.kernel.ids import check_request_id, check_text, uuid7
from governance.ledger import journal, wake
from governance.ledger.command import Change, Command, Receipt, handler_of
from governance.ledger.merkle import Frontier, salted_leaf
from governance.ledger.models import Fact
from governance.ledger.turn import turn

MAX_REASON = 1000
log = structlog.get_logger(__name__)


def execute(
    command: Command,
    *,
    by: Actor,
    request_id: str = "",
    if_revision: int | None = None,
    reason: str = "",
    validate_only: bool = False,
) -> Receipt:
    """Apply `command` and record it as one fact, or refuse it and change nothing.

    Called again with the same `request_id` by the same actor, it returns the first receipt; with other
    content it raises Conflict. `if_revision` older than the thing's last fact raises StaleRevision.
    With `validate_only` everything is checked and the receipt says what would change. After a crash
    either the rows and the fact are there, or neither is.
    """
    if not by.may(command.permission, command.namespace):
        raise Forbidden(f"{by.name} lacks the permission {command.permission} in {_where(command.namespace)}")
    if request_id:
        check_request_id(request_id)
    check_text(reason, field="reason", limit=MAX_REASON)
    command.check_reason(reason)
    key = f"{by.kind}:{by.name}:{request_id}" if request_id else None
    content = _content_hash(command)
    with _writable(), turn("default"), transaction.atomic():
        tree = journal.lock_head()
        if key is not None and (first := journal.first_with(key)) is not None:
            return _replay(first, content)
        command.check_actor(by)
        last = journal.last_revision(command.thing)
        if if_revision is not None:
            _check_fresh(if_revision, last=command.changed_at(last), head=tree.size)
        change = handler_of(type(command))(command, tree.size + 1)
        if change.before == change.after or validate_only:
            transaction.set_rollback(True)
            return _receipt(command, change, revision=last, at=now(), changed=change.before != change.after)
        fact = _record(tree, command, change, by=by, key=key, content=content, reason=reason, request_id=request_id)
        transaction.on_commit(wake.ring, robust=True)
        return _receipt(command, change, revision=fact.revision, at=fact.at, changed=True)


execute_async = sync_to_async(execute, thread_sensitive=False)


@contextmanager
def _writable() -> Iterator[None]:
    """Say Unavailable when the database cannot be written, and let the next command open a new connection."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        log.exception("the ledger cannot be written")
        connection.close()
        raise Unavailable("the ledger cannot be written at the moment; nothing was changed") from error


def _where(namespace: str) -> str:
    return "all namespaces" if namespace == EVERYWHERE else f"namespace {namespace}"


def _content_hash(command: Command) -> str:
    body = {"command": type(command).__name__, "content": command.as_json()}
    return hashlib.sha256(canonical.encode(body)).hexdigest()


def _receipt(command: Command, change: Change, *, revision: int, at: datetime, changed: bool) -> Receipt:
    return Receipt(
        revision=revision,
        changed=changed,
        action=command.action,
        thing=command.thing,
        at=at,
        before=change.before,
        after=change.after,
    )


def _replay(first: Fact, content: str) -> Receipt:
    if first.request_hash != content:
        raise Conflict(f"was used for another command at revision {first.revision}; use a new one", field="request_id")
    before, after = _states(first)
    return Receipt(
        revision=first.revision,
        changed=True,
        action=first.action,
        thing=first.thing,
        at=first.at,
        before=before,
        after=after,
        replayed=True,
    )


def _states(fact: Fact) -> tuple[Any, Any]:
    body = json.loads(fact.body) if fact.body else {}
    return body.get("before"), body.get("after")


def _check_fresh(if_revision: int, *, last: int, head: int) -> None:
    if not 0 <= if_revision <= head:
        raise Invalid(f"is {if_revision}; revisions so far are 0 to {head}", field="if_revision")
    if if_revision < last:
        raise StaleRevision(f"is {if_revision}, but it changed at revision {last}; read it again", field="if_revision")


def _record(
    tree: Frontier,
    command: Command,
    change: Change,
    *,
    by: Actor,
    key: str | None,
    content: str,
    reason: str,
    request_id: str,
) -> Fact:
    revision, at, event_id = tree.size + 1, now(), uuid7()
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)  # what `stamp` can say
    header = _header(command, revision, at, event_id)
    body = canonical.encode(_body(command, change, by=by, reason=reason, request_id=request_id, content=content))
    salt = secrets.token_bytes(16)
    leaf = salted_leaf(header, body, salt)
    fact = Fact(
        revision=revision,
        event_id=event_id,
        at=at,
        action=command.action,
        namespace=command.namespace,
        thing=command.thing,
        actor=by.name,
        request_key=key,
        request_hash=content,
        header=header.decode(),
        body=body.decode(),
        salt=salt,
        leaf=leaf,
    )
    journal.append(fact, tree.append(leaf))
    return fact


def _header(command: Command, revision: int, at: datetime, event_id: str) -> bytes:
    """What is proven of the fact even when its body has been erased."""
    return canonical.encode(
        {
            "v": 1,
            "stream": "changes",
            "seq": revision,
            "event_id": event_id,
            "at": stamp(at),
            "action": command.action,
            "namespace": command.namespace,
            "outcome": "success",
        }
    )


def _body(
    command: Command, change: Change, *, by: Actor, reason: str, request_id: str, content: str
) -> Mapping[str, Any]:
    return {
        "actor": by.name,
        "actor_kind": by.kind,
        "door": by.origin.door,
        "address": by.origin.address,
        "trace_id": by.origin.trace_id,
        "thing": command.thing,
        "reason": reason,
        "request_id": request_id,
        "request_hash": content,
        "before": change.before,
        "after": change.after,
    }
