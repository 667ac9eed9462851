"""The shell that every room stands in: people, tasks, spreadsheets, lists, audit, desk."""
