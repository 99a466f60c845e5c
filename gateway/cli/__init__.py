"""govctl, the command line of the admin API; it needs neither Django nor the databases."""
