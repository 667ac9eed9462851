"""Pages of this corner."""
