"""Fields and forms that take a JSON value for what it is, and refuse what they do not know."""

import base64
import binascii
from typing import Any

from rest_framework import serializers

from governance.kernel.canonical import MAX_INT


class Text(serializers.CharField):
    """A JSON string, as it stands."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_blank": True, "trim_whitespace": False, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        """Refuse numbers, which Django would take for text."""
        if not isinstance(data, str):
            raise serializers.ValidationError("must be a string")
        return super().to_internal_value(data)


class Whole(serializers.IntegerField):
    """A JSON integer."""

    def to_internal_value(self, data: Any) -> int:
        """Refuse text, true and 1.5."""
        if not isinstance(data, int) or isinstance(data, bool):
            raise serializers.ValidationError("must be an integer")
        if abs(data) > MAX_INT:
            raise serializers.ValidationError("is beyond 2^53 - 1")
        return data


class Flag(serializers.BooleanField):
    """true or false."""

    def to_internal_value(self, data: Any) -> bool:
        """Refuse "yes", 1 and their like."""
        if not isinstance(data, bool):
            raise serializers.ValidationError("must be true or false")
        return data


class Octets(Text):
    """A JSON string that holds bytes in base64."""

    def to_internal_value(self, data: Any) -> bytes:  # type: ignore[override]  # what it holds, and not the text
        """Refuse what is no base64; white space in it is passed over, as openssl breaks lines."""
        try:
            return base64.b64decode("".join(super().to_internal_value(data).split()), validate=True)
        except (binascii.Error, ValueError):
            raise serializers.ValidationError("must be base64") from None


class Form(serializers.Serializer[Any]):
    """What a body may hold. A field it does not name refuses the body: it may be a misspelt one that matters."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """The values by field; every violation at once."""
        if not isinstance(data, dict):
            raise serializers.ValidationError("must be an object")
        unknown = {
            name: ["is not known; there are " + ", ".join(self.fields)] for name in data if name not in self.fields
        }
        if unknown:
            raise serializers.ValidationError(unknown)
        found: dict[str, Any] = super().to_internal_value(data)
        return found


class Shape(serializers.Serializer[Any]):
    """What an answer holds."""
