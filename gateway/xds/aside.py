"""Work with the database beside the event loop, in threads of its own."""

from gateway.threads import Threads

aside = Threads(2, "xds").run
