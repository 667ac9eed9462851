"""Spreadsheets in and out: reading, checking, confirming, errors back with reasons."""
