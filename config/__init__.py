"""Configuration: settings from the environment (`config.settings`), the business plan from a TOML file (`config.plan`)."""
