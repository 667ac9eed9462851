"""A stand-in for the national platform: its own process, its own state, no knowledge of the portal."""
