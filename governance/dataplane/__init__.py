"""What the connected data planes report: observations, not decisions."""
