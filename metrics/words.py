"""Text that supervisors and readers of the report see, in English and Chinese."""

from typing import NamedTuple


class Words(NamedTuple):
    """The same thing said twice."""

    en: str
    zh: str

    def in_(self, lang: str) -> str:
        """Return the text in `zh` or `en`."""
        return self.zh if lang == "zh" else self.en
