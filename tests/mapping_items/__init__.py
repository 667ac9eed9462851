"""Tests of the hospital items: importing, listing, changing."""
