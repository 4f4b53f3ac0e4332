"""What a person asked for cannot be done: the refusal, in that person's language."""

from camera_registry.i18n import N_, Language, translate

# What the operating system says to people of files and addresses, so that it is said in Vietnamese, too.
OF_THE_SYSTEM = (
    N_("No such file or directory"),
    N_("Permission denied"),
    N_("Operation not permitted"),
    N_("Is a directory"),
    N_("Not a directory"),
    N_("File exists"),
    N_("File name too long"),
    N_("No space left on device"),
    N_("Disk quota exceeded"),
    N_("Read-only file system"),
    N_("Input/output error"),
    N_("Too many open files"),
    N_("Address already in use"),
    N_("Cannot assign requested address"),
    N_("Connection refused"),
    N_("Network is unreachable"),
    N_("No route to host"),
    N_("Name or service not known"),
)


class RegistryError(Exception):
    """A request of a person that is refused. ``str()`` is English; ``text`` speaks either language.

    ``message`` is a msgid, its ``{names}`` are filled from ``values``; no value is ever a secret. One that
    is a refusal itself speaks the same language.
    """

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message, values)
        self.message = message
        self.values = values

    def __str__(self) -> str:
        return self.text("en")

    def text(self, language: Language) -> str:
        said = {
            name: value.text(language) if isinstance(value, RegistryError) else value
            for name, value in self.values.items()
        }
        return translate(self.message, language, **said)


def reason_of(error: OSError) -> RegistryError:
    """Why the operating system refused, without the path."""
    return RegistryError(error.strerror or type(error).__name__)
