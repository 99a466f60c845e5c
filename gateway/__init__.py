"""Everything of Governor that faces a wire."""
