"""The agent that keeps certificates fresh."""
