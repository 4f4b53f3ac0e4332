"""What a person asked for cannot be done: the refusal, in that person's language."""

from camera_registry.i18n import Language, translate


class RegistryError(Exception):
    """A request of a person that is refused. ``str()`` is English; ``text`` speaks either language.

    ``message`` is a msgid, its ``{names}`` are filled from ``values``; no value is ever a secret.
    """

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message, values)
        self.message = message
        self.values = values

    def __str__(self) -> str:
        return self.text("en")

    def text(self, language: Language) -> str:
        return translate(self.message, language, **self.values)
