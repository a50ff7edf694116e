"""The benchmarks behind the numbers that Vigil promises: each prints what one run measured, never pass or fail."""
