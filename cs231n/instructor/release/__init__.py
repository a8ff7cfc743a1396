"""The student edition: the notebook with stubs, the package without the solutions, and the proofs that nothing leaks."""
