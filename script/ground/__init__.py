"""What `script/server` and `script/test` stand on. Standard library only: it runs before anything is installed."""
