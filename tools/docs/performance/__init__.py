"""What docs/results/performance.md is made of: networks, ways to run them, the machine's own rates, the record."""
