"""Everything that knows HTTP: sign-in, the inbox's page and API, and the headers that keep doors shut."""
