"""What can be wrong with settings or plan. The message is for the operator: what, where, and what to do."""


class ConfigError(Exception):
    """Settings or plan cannot be used; nothing starts (exit code 2)."""


class SettingsError(ConfigError):
    """One or more settings are missing or wrong.

    `problems` holds one sentence each, naming the variable; no secret's value is ever in it.
    """

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class PlanError(ConfigError):
    """The plan file is wrong.

    `problems` holds one sentence each, all that were found: `plan.toml:12: lines.general.ring_s: reason`.
    """

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))
