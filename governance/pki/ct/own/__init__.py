"""The log of certificates in the box: one sequencer, a table that only grows, and tiles made from it."""
