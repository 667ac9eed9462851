"""The day's page, the menu, alarms and health."""
