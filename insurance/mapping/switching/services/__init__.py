"""Everything that changes a change of codes, its findings and the night's work."""
