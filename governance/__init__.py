"""What is true about the governed fleet, and the only ways in which it changes."""
