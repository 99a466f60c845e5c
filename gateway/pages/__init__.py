"""The dashboard: pages rendered with the state as it stands, which scripts then keep fresh."""
