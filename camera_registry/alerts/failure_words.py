"""Why a message was not sent, as people read it: what it means, what to do, and the code at the end. Pure.

The database keeps the raw words of ``failures.NotSent``; words that are not known here speak for themselves.
"""

from collections.abc import Mapping

from camera_registry.i18n import N_, Language, translate

_WHOLE: Mapping[str, str] = {
    "not linked yet": N_("No chat is linked: make a link code."),
    "the address does not open: another key sealed it": N_(
        "The channel's address was sealed with another key: restore that key, or enter the address again."
    ),
    "the report does not open: another key sealed it": N_(
        "The report was sealed with another key: restore that key, or have the report made again."
    ),
    "no mail server is set: SMTP_URL": N_("No mail server is set: enter SMTP_URL in the settings."),
    "no Zalo bot is set: ZALO_BOT_TOKEN": N_("No Zalo bot is set: enter ZALO_BOT_TOKEN in the settings."),
    "an inbox is read here": N_("An inbox is read on these pages; nothing is sent."),
    "the server offers no TLS: the password is not sent": N_(
        "The mail server offers no encryption, so the password was not sent: set smtps:// or another server."
    ),
    "Apprise does not know the address": N_("No service is known by this address: enter it again."),
    "the bot token is not one": N_(
        "The Zalo bot's token is not in the right form: enter ZALO_BOT_TOKEN again."
    ),
    "the service did not take it": N_("The service did not take the message; it is tried again."),
    "the service leads elsewhere": N_("The service leads to another host, which is not followed."),
    "the address is not public: WEBHOOK_NETWORKS": N_(
        "The address lies in a private network that the setting WEBHOOK_NETWORKS does not name."
    ),
    "too long an answer": N_("What answers is not the service: look at the address, or at the proxy."),
    "waited too long": N_("It waited for so long that it was no news any more."),
    "no JSON": N_("What answers is not the service: look at the address, or at the proxy."),
    "restored from a backup; send it again by hand": N_(
        "It waited when the backup was made, which was restored: send it again if it still matters."
    ),
}
_BEGINNINGS: Mapping[str, str] = {
    "no answer": N_("No answer: look whether the server's line and firewall let it out."),
    "Apprise failed": N_("The service could not be used: look at the address, and at the log."),
    "our own fault": N_("A fault of the program itself: tell its maintainers, with the log."),
}
_HTTP: Mapping[int, str] = {
    400: N_("The receiver refuses this message."),
    401: N_("The receiver does not take the token or the secret: look at the settings."),
    403: N_("The receiver does not take the token or the secret: look at the settings."),
    404: N_("There is nothing at the channel's address: enter the right one."),
    407: N_("The proxy asks for a login: look at the settings of the server."),
    410: N_("There is nothing at the channel's address: enter the right one."),
    413: N_("The receiver refuses this message."),
    422: N_("The receiver refuses this message."),
    429: N_("The receiver asks to wait; it is tried again."),
}
_HTTP_HUNDREDS: Mapping[int, str] = {
    3: N_("The receiver has moved: enter its new address."),
    4: N_("The receiver refuses the connection: look at the channel's address."),
    5: N_("The receiver has a fault of its own; it is tried again."),
}
_SMTP: Mapping[int, str] = {
    454: N_("The mail server does not take the login: look at the name and password in SMTP_URL."),
    530: N_("The mail server does not take the login: look at the name and password in SMTP_URL."),
    534: N_("The mail server does not take the login: look at the name and password in SMTP_URL."),
    535: N_("The mail server does not take the login: look at the name and password in SMTP_URL."),
    538: N_("The mail server does not take the login: look at the name and password in SMTP_URL."),
    550: N_("The mail server does not take this recipient: look at the channel's address."),
    551: N_("The mail server does not take this recipient: look at the channel's address."),
    553: N_("The mail server does not take this recipient: look at the channel's address."),
}
_SMTP_HUNDREDS: Mapping[int, str] = {
    4: N_("The mail server cannot take it now; it is tried again."),
    5: N_("The mail server refuses the message: look at the sender and the channel's address."),
}


def failure(raw: str, language: Language) -> str:
    """``Máy chủ thư không nhận tên hoặc mật khẩu … (SMTP 535)``."""
    message = _known(raw)
    return f"{translate(message, language)} ({raw})" if message else raw


def _known(raw: str) -> str | None:
    if raw in _WHOLE:
        return _WHOLE[raw]
    by, _, number = raw.partition(" ")
    if by in ("HTTP", "SMTP") and number.isdecimal():
        exact, hundreds = (_HTTP, _HTTP_HUNDREDS) if by == "HTTP" else (_SMTP, _SMTP_HUNDREDS)
        return exact.get(int(number)) or hundreds.get(int(number) // 100)
    return _BEGINNINGS.get(raw.partition(":")[0])
