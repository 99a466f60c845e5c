"""One address of the REST API: refuse by default, translate, record."""

import time
from typing import Any, ClassVar

from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway.rest import problems
from gateway.rest.asked import Terms, check_plain, check_query, etag, terms_of
from gateway.rest.caller import caller_of, trace_id_of
from gateway.rest.declare import PUBLIC, Declared, declared_by
from gateway.rest.shapes.common import Receipt
from governance.compliance.stream import calls
from governance.compliance.values import CallRecord
from governance.kernel.actor import EVERYWHERE, STRANGER, Actor
from governance.kernel.errors import Forbidden, GovernanceError, Invalid, Unauthenticated
from governance.ledger.command import Command
from governance.ledger.execute import execute

MAX_PATH = 1024


class GovernedView(APIView):
    """Serves only methods that declare a permission, and only callers who hold it in some namespace.

    In which namespaces they hold it, the command or query decides. Every request leaves one event in the calls
    stream, named "rest.<topic>.<method>".
    """

    topic: ClassVar[str]
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    actor: Actor = STRANGER
    _refusal: GovernanceError | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find out who is calling, and whether they may."""
        self.started_ns = time.perf_counter_ns()
        self.actor = caller_of(request)
        declared = self.declared(request)
        if declared is None or declared.permission != PUBLIC:
            self._admit(request, declared)
        assert declared is not None
        check_query(request, declared.query)
        for name, value in self.kwargs.items():
            check_plain(value, name)
        if declared.form is not None and request.content_type.partition(";")[0].strip().lower() != "application/json":
            raise exceptions.UnsupportedMediaType(request.content_type)
        if declared.form is None and int(request.META.get("CONTENT_LENGTH") or 0):
            raise Invalid("no body is taken here")

    def _admit(self, request: Request, declared: Declared | None) -> None:
        if self.actor.kind == "stranger":
            raise Unauthenticated("send Authorization: Bearer gov_..., or sign in")
        if declared is None:
            raise exceptions.MethodNotAllowed(str(request.method))
        if not self.actor.namespaces(declared.permission):
            raise Forbidden(f"{self.actor.name} lacks the permission {declared.permission}")

    def declared(self, request: Request) -> Declared | None:
        """What the method that serves `request` declares."""
        return declared_by(getattr(self, str(request.method).lower(), None))

    def body(self, request: Request) -> dict[str, Any]:
        """The body as the method's form says; raises with every violation at once."""
        declared = self.declared(request)
        assert declared is not None and declared.form is not None  # noqa: PT018  (declared where it is called)
        form = declared.form(data=request.data)
        form.is_valid(raise_exception=True)
        found: dict[str, Any] = form.validated_data
        return found

    def execute(
        self, request: Request, command: Command, *, terms: Terms | None = None, reason: str = "", created: int = 200
    ) -> Response:
        """Execute `command` in the caller's name; the answer is the receipt, its ETag the new revision."""
        terms = terms or terms_of(request, reason=reason)
        receipt = execute(
            command,
            by=self.actor,
            request_id=terms.request_id,
            if_revision=terms.if_revision,
            reason=terms.reason,
            validate_only=terms.validate_only,
        )
        status = created if receipt.changed and not terms.validate_only and not receipt.replayed else 200
        return Response(Receipt(receipt).data, status=status, headers={"ETag": etag(receipt.revision)})

    def handle_exception(self, exc: Exception) -> Response:
        """Every refusal as a problem; this is the outermost edge, so nothing passes it."""
        status, self._refusal = problems.refusal_of(exc)
        response = Response(
            problems.body_of(status, self._refusal), status=status, content_type=problems.MEDIA_TYPE, exception=True
        )
        if status == 401:
            response.headers["WWW-Authenticate"] = 'Bearer realm="governor"'
        if status == 405:
            response.headers["Allow"] = ", ".join(self.allowed_methods)
        return response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Record the call, whatever became of it."""
        self._record(request, response.status_code)
        return super().finalize_response(request, response, *args, **kwargs)

    def _record(self, request: Request, status: int) -> None:
        refusal, plain = self._refusal, request._request  # noqa: SLF001  (as in caller_of)
        fields = [each.field for each in refusal.violations] if refusal else []
        calls().record(
            CallRecord(
                action=f"rest.{self.topic}.{str(request.method).lower()}",
                namespace=self.kwargs.get("namespace", EVERYWHERE),
                thing="/".join([self.topic, *(str(value) for value in self.kwargs.values())]),
                actor=self.actor.name,
                actor_kind=self.actor.kind,
                outcome="success" if status < 400 else "refused" if status < 500 else "failed",
                status=str(status),
                message=str(refusal) if refusal else "",
                door="rest",
                address=plain.META.get("REMOTE_ADDR", ""),
                trace_id=trace_id_of(plain),
                request_id=request.headers.get("Idempotency-Key", ""),
                duration_us=(time.perf_counter_ns() - self.started_ns) // 1000,
                detail={"path": plain.path[:MAX_PATH], "fields": fields} if refusal else {},
            )
        )
