"""What stores, executors and triggers are tested with, also those of others: suites of tests to subclass."""
