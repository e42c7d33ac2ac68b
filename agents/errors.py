"""What can be wrong on the side of those who call into `agents`."""


class AgentsError(Exception):
    """Misuse of the agents package by our own code, or a text that it cannot read."""


class NeedSyntaxError(AgentsError, ValueError):
    """A need expression cannot be read."""

    def __init__(self, text: str, position: int, reason: str) -> None:
        self.text = text
        self.position = position
        """Zero-based index into `text` where reading stopped."""
        self.reason = reason
        super().__init__(f"need {text!r}, column {position + 1}: {reason}")


class IllegalTransition(AgentsError):
    """An agent was sent from one presence to another that the table does not allow: a bug of ours."""

    def __init__(self, agent: str, before: str, after: str) -> None:
        self.agent = agent
        self.before = before
        self.after = after
        super().__init__(f"agent {agent} cannot go from {before} to {after}")
