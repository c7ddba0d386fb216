"""Settings: environment variables `FOTOFILA_*`, `*_FILE` for secrets, and a TOML file; the same for every command."""

from fotofila.core.config.settings import Settings, SettingsError, load_settings

__all__ = ["Settings", "SettingsError", "load_settings"]
