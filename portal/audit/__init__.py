"""What people and schedules decided: AuditEvent, written by services."""
