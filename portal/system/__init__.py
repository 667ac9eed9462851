"""The pages in which the portal itself is run: persons, sessions, schedules, alarms, health, protection."""
