"""The page on which people read the JSON API."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from gateway.pages.door import needs
from gateway.rest.views.meta import description
from governance.kernel.actor import Actor

_METHODS = ("get", "post", "put", "patch", "delete")


@needs("access.self")
def api(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every operation with its parameters, body, answer and permission, as the machine-readable description has it."""
    del actor
    found = description()
    parts: dict[str, list[dict[str, Any]]] = {}
    for path, methods in found["paths"].items():
        for method in _METHODS:
            if method in methods:
                operation = _operation(path, method, methods[method], found["components"]["schemas"])
                parts.setdefault(operation["part"], []).append(operation)
    return render(request, "api.html", {"parts": sorted(parts.items()), "about": found["info"]["description"]})


def _operation(path: str, method: str, told: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    status, answer = next((code, each) for code, each in told["responses"].items() if code != "default")
    return {
        "id": told["operationId"],
        "part": told["tags"][0],
        "method": method.upper(),
        "path": path,
        "summary": told.get("description", ""),
        "permission": told["x-permission"],
        "parameters": told.get("parameters", []),
        "form": _fields(told.get("requestBody", {}), schemas),
        "status": status,
        "answer": _fields(answer, schemas),
    }


def _fields(holder: dict[str, Any], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields of the JSON object that a body or an answer holds: name, type, whether it must be there."""
    schema = _named(holder.get("content", {}).get("application/json", {}).get("schema", {}), schemas)
    needed = schema.get("required", [])
    return [
        {"name": name, "type": _type(each, schemas), "needed": name in needed}
        for name, each in schema.get("properties", {}).items()
    ]


def _named(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schemas[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    return found


def _type(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    """A field's type in a few words, objects by the names of their fields."""
    if "$ref" in schema or schema.get("properties"):
        inner = _named(schema, schemas)
        return "{" + ", ".join(inner.get("properties", {})) + "}" if "properties" in inner else str(inner.get("type"))
    if schema.get("type") == "array":
        return _type(schema.get("items", {}), schemas) + "[]"
    if isinstance(schema.get("additionalProperties"), dict):
        return "{name: " + _type(schema["additionalProperties"], schemas) + "}"
    kind = schema.get("type", "any")
    return " | ".join(kind) if isinstance(kind, list) else str(kind)
