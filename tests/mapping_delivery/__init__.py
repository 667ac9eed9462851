"""Relations on their way to the platform."""
