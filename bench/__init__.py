"""The benchmarks behind the figures of docs/reference/performance.md."""
