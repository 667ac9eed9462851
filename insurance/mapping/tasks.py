"""Background work of this room: each corner brings its own."""
