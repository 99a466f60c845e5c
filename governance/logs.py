"""One line on stderr for each event of a process, for people or, as JSON, for machines."""

import logging
import sys
from collections.abc import Mapping
from typing import Literal

import structlog

# Libraries that tell every step of what works; what does not work they say at these levels too.
QUIET = ("celery", "kombu", "uvicorn", "httpx", "asyncio", "websockets")


# People at a terminal look for what is wrong; that a call went well is in the calls stream, and in lines for machines.
QUIET_AS_TEXT = ("gateway.calls",)


def configure(options: Mapping[str, Literal["text", "json"]]) -> None:
    """Let the loggers of all libraries write in the form `options["format"]`."""
    always: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *always, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=always,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendered(options["format"])],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("django").handlers = []  # Django's own would write mails
    # What Django refuses is an event of the calls stream; only its crashes belong here.
    logging.getLogger("django.request").addFilter(lambda record: record.exc_info is not None)
    for name in QUIET if options["format"] == "json" else QUIET + QUIET_AS_TEXT:
        logging.getLogger(name).setLevel(logging.WARNING)


def _rendered(form: Literal["text", "json"]) -> tuple[structlog.typing.Processor, ...]:
    if form == "json":
        return structlog.processors.format_exc_info, structlog.processors.JSONRenderer()
    return (structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),)
