"""值对照: what the hospital's systems say → what the platform calls it, per dictionary."""
