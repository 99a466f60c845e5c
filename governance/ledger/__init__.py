"""The one place where things change, in one order."""
