"""From a folder of submissions to results: who handed in what, what it earns."""
