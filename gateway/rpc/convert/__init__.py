"""Messages of the admin API to and from the house's values; nothing decides here."""
