"""The web page, driven in a real Chromium against a real `fotofila serve`."""
