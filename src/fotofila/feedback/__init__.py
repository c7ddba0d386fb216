"""The loops that own the database: relay, results, failures, reconciler, sweeper."""
