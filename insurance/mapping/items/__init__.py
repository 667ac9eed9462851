"""院内收费项目: what the hospital charges for, taken from its own systems."""
