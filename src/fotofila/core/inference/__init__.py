"""Models as data: pinned files, fetched and verified, rewritten once, run through ONNX Runtime."""
