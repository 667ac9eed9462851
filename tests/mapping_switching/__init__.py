"""Tests of changes of codes, of what catalogue versions do to relations, and of the night's order."""
