"""Makes `docs/reference/` from the code: settings, metrics, errors, job kinds, events, roles, commands, routes."""
