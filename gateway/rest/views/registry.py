"""Services, their endpoints, and leases."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from gateway.rest import forms
from gateway.rest.asked import PAGE, etag, page_size, position, text, token
from gateway.rest.declare import changes, reads
from gateway.rest.scope import service_of, visible
from gateway.rest.shapes import registry as shapes
from gateway.rest.view import GovernedView
from governance.kernel.errors import NotFound
from governance.ledger import queries as ledger
from governance.registry import commands
from governance.registry import queries as registry
from governance.registry.values import Endpoint, EndpointSpec, Service, ServiceSpec
from governance.traffic import queries as traffic
from governance.traffic.queries import InForce


def _described(service: Service, force: InForce) -> dict[str, Any]:
    return {
        **{name: getattr(service, name) for name in ("namespace", "name", "owner", "protocol", "description")},
        "grpc_services": service.grpc_services,
        "zones": service.zones,
        "endpoints_total": len(service.endpoints),
        "endpoints_healthy": sum(endpoint.health == "healthy" for endpoint in service.endpoints),
        "policy": force.balancing.policy,
        "policy_revision": force.revision,
        "revision": service.revision,
    }


def _endpoint_of(service: Service, name: str) -> Endpoint:
    for endpoint in service.endpoints:
        if endpoint.name == name:
            return endpoint
    raise NotFound(f"{service.name} has no endpoint {name}", field="endpoint")


class Services(GovernedView):
    """The services of the namespaces that the caller may read."""

    topic = "services"

    @reads("registry.read", shapes.ServicePage, query=("namespace", *PAGE))
    def get(self, request: Request) -> Response:
        """List services by namespace and name."""
        size, place = page_size(request), position(request, str, str)
        revision = ledger.head_revision()
        found = registry.services(
            namespaces=visible(self.actor, "registry.read", text(request, "namespace")),
            after=(place[0], place[1]) if place else None,
            limit=size + 1,
        )
        page = found[:size]
        policies = traffic.in_force(page)
        answer = {
            "services": [_described(each, policies[each.uid]) for each in page],
            "next_page_token": token(page[-1].namespace, page[-1].name) if len(found) > size else "",
            "revision": revision,
        }
        return Response(shapes.ServicePage(answer).data)

    @changes("registry.write", form=forms.NewService, status=201)
    def post(self, request: Request) -> Response:
        """Add a service."""
        body = self.body(request)
        reason = body.pop("reason")
        spec = ServiceSpec(**{**body, "grpc_services": tuple(body["grpc_services"])})
        command = commands.CreateService(namespace=spec.namespace, spec=spec)
        return self.execute(request, command, reason=reason, created=201)


class OneService(GovernedView):
    """One service."""

    topic = "service"

    @reads("registry.read", shapes.Service)
    def get(self, request: Request, namespace: str, name: str) -> Response:
        """Read a service; its ETag is the revision for If-Match."""
        service = service_of(self.actor, "registry.read", namespace, name)
        answer = _described(service, traffic.in_force([service])[service.uid])
        return Response(shapes.Service(answer).data, headers={"ETag": etag(service.revision)})

    @changes("registry.write", form=forms.ServiceUpdate)
    def patch(self, request: Request, namespace: str, name: str) -> Response:
        """Change what its owner says about a service."""
        body = self.body(request)
        reason = body.pop("reason")
        if "grpc_services" in body:
            body["grpc_services"] = tuple(body["grpc_services"])
        command = commands.UpdateService(namespace=namespace, service=name, **body)
        return self.execute(request, command, reason=reason)

    @changes("registry.write")
    def delete(self, request: Request, namespace: str, name: str) -> Response:
        """Remove a service that has no endpoints left."""
        return self.execute(request, commands.DeleteService(namespace=namespace, service=name))


class Endpoints(GovernedView):
    """The endpoints of one service."""

    topic = "endpoints"

    @reads("registry.read", shapes.EndpointPage, query=PAGE)
    def get(self, request: Request, namespace: str, name: str) -> Response:
        """List endpoints by name; the ETag is the revision of their last common change."""
        size, place = page_size(request), position(request, str)
        revision = ledger.head_revision()
        endpoints = service_of(self.actor, "registry.read", namespace, name).endpoints
        rest = [each for each in endpoints if place is None or each.name > place[0]]
        answer = {
            "endpoints": rest[:size],
            "next_page_token": token(rest[size - 1].name) if len(rest) > size else "",
            "revision": revision,
        }
        changed = ledger.last_revision(f"endpoints/{namespace}/{name}")
        return Response(shapes.EndpointPage(answer).data, headers={"ETag": etag(changed)})

    @changes("registry.register", form=forms.NewEndpoint, shape=shapes.Registration, status=201)
    def post(self, request: Request, namespace: str, name: str) -> Response:
        """Register an instance, or register it anew."""
        body = self.body(request)
        reason, ttl_s = body.pop("reason"), body.pop("ttl_s")
        spec = EndpointSpec(**body)
        command = commands.RegisterEndpoint(namespace=namespace, service=name, spec=spec, ttl_s=ttl_s)
        response = self.execute(request, command, reason=reason, created=201)
        lease_id = registry.lease_of(namespace, name, spec.name)
        if lease_id and not response.data["changed"]:
            commands.keep_alive(lease_id)  # registering what stands already records nothing, but starts its lease anew
        endpoint = registry.endpoint_of_lease(lease_id) if lease_id else None
        response.data |= {
            "lease_id": lease_id if endpoint else "",
            "lease_expires_at": endpoint.lease_expires_at if endpoint else None,
        }
        return response

    @changes("registry.write", form=forms.EndpointUpdates)
    def patch(self, request: Request, namespace: str, name: str) -> Response:
        """Change some endpoints in one step."""
        body = self.body(request)
        wanted = tuple(commands.EndpointChange(**each) for each in body["changes"])
        command = commands.UpdateEndpoints(namespace=namespace, service=name, changes=wanted)
        return self.execute(request, command, reason=body["reason"])


class OneEndpoint(GovernedView):
    """One endpoint."""

    topic = "endpoint"

    @reads("registry.read", shapes.Endpoint)
    def get(self, request: Request, namespace: str, name: str, endpoint: str) -> Response:
        """Read an endpoint."""
        found = _endpoint_of(service_of(self.actor, "registry.read", namespace, name), endpoint)
        changed = max(found.revision, ledger.last_revision(f"endpoints/{namespace}/{name}"))
        return Response(shapes.Endpoint(found).data, headers={"ETag": etag(changed)})

    @changes("registry.write", form=forms.EndpointUpdate)
    def patch(self, request: Request, namespace: str, name: str, endpoint: str) -> Response:
        """Change weight, isolated, draining or metadata."""
        body = self.body(request)
        reason = body.pop("reason")
        wanted = commands.EndpointChange(name=endpoint, **body)
        command = commands.UpdateEndpoints(namespace=namespace, service=name, changes=(wanted,))
        return self.execute(request, command, reason=reason)

    @changes("registry.register")
    def delete(self, request: Request, namespace: str, name: str, endpoint: str) -> Response:
        """Deregister an instance."""
        command = commands.DeregisterEndpoint(namespace=namespace, service=name, name=endpoint)
        return self.execute(request, command)


class KeepAlive(GovernedView):
    """A lease."""

    topic = "lease"

    @reads("registry.register", shapes.Lease)
    def post(self, request: Request, lease_id: str) -> Response:
        """Move the lease's deadline into the future; 404 when it expired: register again."""
        endpoint = registry.endpoint_of_lease(lease_id)
        if endpoint is None or not self.actor.may("registry.register", endpoint.namespace):
            raise NotFound("the lease expired or never was; register again", field="lease_id")
        expires_at = commands.keep_alive(lease_id)
        return Response(shapes.Lease({"lease_expires_at": expires_at, "endpoint": endpoint}).data)
