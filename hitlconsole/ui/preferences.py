"""How a browser wants the console: kept in cookies, because it belongs to the screen."""

from dataclasses import dataclass

from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Preference:
    """The first value is what counts where nothing, or nonsense, was chosen."""

    name: str
    values: tuple[str, ...]

    @property
    def cookie(self) -> str:
        return f"hitl_{self.name}"

    def read(self, request: HttpRequest) -> str:
        chosen = request.COOKIES.get(self.cookie, "")
        return chosen if chosen in self.values else self.values[0]


THEME = Preference("theme", ("auto", "light", "dark"))
DENSITY = Preference("density", ("normal", "compact", "comfortable"))
SHORTCUTS = Preference("shortcuts", ("on", "off"))
PREFERENCES = (THEME, DENSITY, SHORTCUTS)
