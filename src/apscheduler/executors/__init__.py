"""Executors: what runs a job's function. The contract is in `base`."""
