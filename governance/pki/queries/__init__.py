"""What there is of authorities, certificates and workloads."""
