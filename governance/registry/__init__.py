"""Services, their endpoints, the leases that keep them, and their health."""
