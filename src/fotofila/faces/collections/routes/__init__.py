"""`/api/collections`."""
