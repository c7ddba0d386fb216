"""The worker: holds leases, drives sandboxed children, reports. It knows the queue and storage and nothing else."""
