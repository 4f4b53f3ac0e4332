"""Which kinds of channels the settings of this server switch on; of the others, what is lacking."""

from collections.abc import Mapping

from camera_registry.alerts.channels import ChannelError, Kind
from camera_registry.i18n import N_
from camera_registry.settings import Settings

_LACKING: Mapping[Kind, str] = {
    Kind.EMAIL: N_(
        "No mail server is set: nothing is sent by e-mail until SMTP_URL stands in the server's settings."
    ),
    Kind.ZALO: N_(
        "No Zalo bot is set: nothing is sent over Zalo until ZALO_BOT_TOKEN stands in the server's settings."
    ),
}


def lacking(settings: Settings) -> Mapping[Kind, str]:
    """Of each kind of channel that reaches nobody yet, why; translatable."""
    given = {Kind.EMAIL: settings.smtp_url, Kind.ZALO: settings.zalo_bot_token}
    return {kind: _LACKING[kind] for kind, value in given.items() if value is None}


def require(kind: str, settings: Settings) -> None:
    """Raises ``ChannelError`` where nothing reaches a channel of this kind."""
    if (why := lacking(settings).get(Kind(kind))) is not None:
        raise ChannelError(why)
