"""Programs for those who work on Fotofila; no part of the program itself."""
