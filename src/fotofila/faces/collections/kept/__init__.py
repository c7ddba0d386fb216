"""Collections that the engine keeps: the vectors lie there, and our rows say whose they are and how long they stay."""
