"""Suggestions of national codes."""
