"""Departments, licensed staff and the institution, here and at the platform."""
