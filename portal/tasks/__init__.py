"""Work that a person waits for: Task, Schedule, and the dispatcher with its sweeps."""
