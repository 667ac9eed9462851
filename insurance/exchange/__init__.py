"""Everything that is said to the platform: connection, submissions, calls, delivery, recovery."""
