"""The HTTP edge: the app, its dependencies, problems and middleware. Routes belong to capabilities."""
