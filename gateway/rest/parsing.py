"""JSON in, JSON out, and nothing that two readers could read differently."""

import json
from collections.abc import Iterable, Mapping
from typing import IO, Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from governance.kernel.errors import Invalid


class StrictJson(BaseParser):
    """Refuses duplicate keys, NaN and Infinity, text that is not UTF-8, and anything but an object."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The object in `stream`; raises Invalid."""
        del media_type, parser_context
        body: bytes = stream.body if hasattr(stream, "body") else stream.read()
        try:
            found = json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
        except UnicodeDecodeError:
            raise Invalid("the body is not UTF-8") from None
        except RecursionError:
            raise Invalid("the body is nested too deeply") from None
        except ValueError as error:
            raise Invalid(f"the body is not JSON: {error}") from None
        if not isinstance(found, dict):
            raise Invalid("the body must be a JSON object")
        return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Invalid("stands twice in the body", field=twice[:80])
    return found


def _no_constant(text: str) -> Any:
    raise Invalid(f"{text} is not a number that JSON knows")


class AlwaysJson(BaseContentNegotiation):
    """Answers in JSON whatever the caller accepts, and picks the parser by the content type."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """The parser for the body; None is answered with 415."""
        content_type = request.content_type.partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == content_type), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first renderer."""
        del request, format_suffix
        return next(iter(renderers)), "application/json"
