"""A policy of alerts from a file, for every command that takes one."""

from pathlib import Path
from typing import Annotated

import typer

from camera_registry.alerts import rules
from camera_registry.alerts.rules import Policy
from camera_registry.commands.common import Refused
from camera_registry.errors import reason_of
from camera_registry.i18n import N_

PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy", help="TOML file with the rules; without it those of a ward, or of the city."),
]


def read_policy(file: Path | None) -> Policy:
    """Of a file, or as it is by default. Raises ``RulesError`` and ``Refused``."""
    if file is None:
        return Policy()
    try:
        return rules.read_policy(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else error.reason
        raise Refused(N_("Cannot read {path}: {reason}"), path=file, reason=reason) from None
