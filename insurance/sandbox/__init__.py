"""A stand-in for the platform: its own process, its own state, its own faults."""
