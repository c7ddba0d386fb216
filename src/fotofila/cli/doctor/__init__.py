"""`fotofila doctor`: looks at everything that is needed and names the mend of what is wrong. It repairs nothing."""
