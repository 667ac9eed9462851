"""Pages of the hospital's items."""
