"""Job stores: where jobs and the records of their runs are kept. The contract is in `base`."""
