"""The prompts of the dialplan, read from `asterisk/sounds.txt`: what is said, in which language, and the tone that stands for it."""

from collections.abc import Iterable
from dataclasses import dataclass

from config.dialplan import SHIPPED

LANGUAGES = ("zh", "en")
"""Languages of the prompts: folders below SOUNDS, and what `language` of a line may be."""

PROMPT_FOLDER = "callcenter"
"""Where the prompts stand in the folder of each language."""

NUMBER = "NUMBER"
"""Stands for an agent's number in `sounds.txt`."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One line of `sounds.txt`."""

    name: str
    """File name without folder and suffix. With `NUMBER` in it: one file for each agent."""
    zh: str
    en: str
    tone: str
    """What is heard where the file is missing, in words."""

    def text(self, language: str) -> str:
        """Return what is said in a language of `LANGUAGES`."""
        return self.zh if language == "zh" else self.en

    def of_agent(self, number: str) -> "Prompt":
        """Return the prompt of one agent; his digits are said one by one."""
        said = " ".join(number)
        return Prompt(
            self.name.replace(NUMBER, number), self.zh.replace(NUMBER, said), self.en.replace(NUMBER, said), self.tone
        )


def prompts() -> list[Prompt]:
    """Return all prompts of the dialplan (`sounds.txt`), but for those that there is one of for each agent."""
    return [prompt for prompt in _listed() if NUMBER not in prompt.name]


def agent_prompts(numbers: Iterable[str]) -> list[Prompt]:
    """Return the prompts that there is one of for each agent: the announcement of his number."""
    numbers = list(numbers)
    return [prompt.of_agent(number) for prompt in _listed() if NUMBER in prompt.name for number in numbers]


def prompt_names() -> list[str]:
    """Return the names of all prompts of the dialplan (`sounds.txt`), without folder and suffix."""
    return [prompt.name for prompt in prompts()]


def _listed() -> list[Prompt]:
    lines = (SHIPPED / "sounds.txt").read_text(encoding="utf-8").splitlines()
    rows = [[part.strip() for part in line.split("|")] for line in lines if line.strip() and not line.startswith("#")]
    return [Prompt(*row) for row in rows]
