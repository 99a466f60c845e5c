"""Reading the database beside the event loop that serves the sockets."""

from gateway.threads import Threads

aside = Threads(4, "live").run
