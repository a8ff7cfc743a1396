"""What several tests, benchmarks and the proof on a GPU share. Nothing here is a test."""
