"""One project a TOML file."""
