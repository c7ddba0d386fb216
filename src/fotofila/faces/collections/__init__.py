"""Collections of faces: who is whom, decided by vectors that are kept."""
