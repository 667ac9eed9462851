"""National catalogues and dictionaries: 1301–1319 and 1901, by version, with what the area pays of each."""
