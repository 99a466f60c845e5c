"""How the views' declarations become OpenAPI."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

from gateway.rest.declare import declared_by


class DeclaredSchema(AutoSchema):
    """Names each operation as the calls stream names it, and says which permission it needs."""

    def get_operation_id(self) -> str:
        """topic_method, unique because topics are."""
        view: Any = self.view
        return f"{view.topic}_{self.method.lower()}"

    def get_tags(self) -> list[str]:
        """The module of the view: registry, traffic, ..."""
        return [type(self.view).__module__.rsplit(".", 1)[1]]

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """The operation with the permission that it needs."""
        operation = super().get_operation(*args, **kwargs)
        declared = declared_by(getattr(self.view, self.method.lower(), None))
        if operation is not None and declared is not None:
            operation["x-permission"] = declared.permission
        return operation
