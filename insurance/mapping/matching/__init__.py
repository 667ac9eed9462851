"""Suggestions: which national codes fit an item, with reasons, and when it can be only one."""
