"""What `script/bench NAME` runs: one module a benchmark, each with `main(arguments)`."""
