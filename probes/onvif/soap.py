"""SOAP as cameras speak it, pure: an envelope, the token in its header, and what an answer says.

SOAP 1.2; Web Services Security UsernameToken Profile 1.0 (OASIS 2004). Prefixes and namespaces of answers are
not relied upon: cameras use some that they never declare.
"""

import base64
import hashlib
import re
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from probes.errors import OnvifError
from probes.markup import MarkupError, parse_xml, text_of
from probes.reasons import Reason
from probes.result import Credential

CONTENT_TYPE: Final = "application/soap+xml; charset=utf-8"
MAX_FAULT_CHARS: Final = 200
MAX_SUBCODES: Final = 8

_ENVELOPE: Final = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<soap-env:Envelope xmlns:soap-env="http://www.w3.org/2003/05/soap-envelope">'
    "<soap-env:Body>{body}</soap-env:Body></soap-env:Envelope>"
)
_BODY: Final = b"<soap-env:Body"  # onvif-zeep-async writes the same prefix
_WSS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"

# wsse:FailedAuthentication and its kin are of WSS 1.0, 12; ter:NotAuthorized of ONVIF Core, 5.11.2.2.
_LOGIN_CODES: Final = frozenset(
    {
        "NotAuthorized",
        "FailedAuthentication",
        "InvalidSecurity",
        "InvalidSecurityToken",
        "SenderNotAuthorized",
    }
)
_LOGIN_TEXT: Final = re.compile(r"not\s*authori[sz]ed|unauthori[sz]ed|authenticat|authorit", re.IGNORECASE)


def envelope(body: str) -> bytes:
    """A message with ``body`` (XML that declares its own prefixes) and no header."""
    return _ENVELOPE.format(body=body).encode()


def signed(message: bytes, credential: Credential, created: datetime, nonce: bytes) -> bytes:
    """``message`` with a UsernameToken whose password is digested with the ``nonce`` and the time.

    ``created`` (UTC) should be the device's own time: many refuse a token that lies 5 s off (F009), and some
    Hikvision every one that does not end in ``Z`` (F014). Raises ``ValueError`` where there is no body.
    """
    at = message.index(_BODY)
    stamp = created.strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = hashlib.sha1(nonce + stamp.encode() + credential.password.encode()).digest()
    token = (
        f'<soap-env:Header><wsse:Security xmlns:wsse="{_WSS}wssecurity-secext-1.0.xsd" '
        f'xmlns:wsu="{_WSS}wssecurity-utility-1.0.xsd" soap-env:mustUnderstand="1"><wsse:UsernameToken>'
        f"<wsse:Username>{escape(credential.user)}</wsse:Username>"
        f'<wsse:Password Type="{_WSS}username-token-profile-1.0#PasswordDigest">'
        f"{base64.b64encode(digest).decode()}</wsse:Password>"
        f'<wsse:Nonce EncodingType="{_WSS}soap-message-security-1.0#Base64Binary">'
        f"{base64.b64encode(nonce).decode()}</wsse:Nonce><wsu:Created>{stamp}</wsu:Created>"
        "</wsse:UsernameToken></wsse:Security></soap-env:Header>"
    )
    return message[:at] + token.encode() + message[at:]


def read_body(status: int, answer: bytes) -> Element:
    """The body of an answer, names without prefixes; what it says goes before the HTTP status (F022).

    Raises ``OnvifError``: ``ONVIF_FAULT`` (with its subcodes), ``ONVIF_HTTP_ERROR`` where it is no SOAP and
    the status says why, ``ONVIF_MALFORMED`` otherwise.
    """
    try:
        root = parse_xml(answer)
    except MarkupError as error:
        raise _not_soap(status, str(error)) from None
    body = root.find("Body") if root.tag == "Envelope" else None
    if body is None:
        raise _not_soap(status, "no SOAP envelope")
    if (fault := body.find("Fault")) is not None:
        raise read_fault(fault)
    if not 200 <= status < 300:
        raise OnvifError(Reason.ONVIF_HTTP_ERROR, f"HTTP {status}")
    return body


def read_fault(fault: Element) -> OnvifError:
    """A fault of SOAP 1.2, or of SOAP 1.1, which some devices answer with."""
    codes = [value.text or "" for value in fault.iter("Value")] or [text_of(fault, "faultcode")]
    subcodes = tuple(code.strip().rpartition(":")[2] for code in codes if code.strip())[:MAX_SUBCODES]
    text = text_of(fault, "Reason/Text") or text_of(fault, "faultstring")
    said = f"{'/'.join(subcodes)} {text}".strip()[:MAX_FAULT_CHARS]
    return OnvifError(Reason.ONVIF_FAULT, said, subcodes)


def refuses_login(error: OnvifError) -> bool:
    """Whether a fault means that a login is asked for, or was refused."""
    if error.reason is not Reason.ONVIF_FAULT:
        return False
    return not _LOGIN_CODES.isdisjoint(error.subcodes) or _LOGIN_TEXT.search(error.detail) is not None


def _not_soap(status: int, detail: str) -> OnvifError:
    if not 200 <= status < 300:
        return OnvifError(Reason.ONVIF_HTTP_ERROR, f"HTTP {status}")
    return OnvifError(Reason.ONVIF_MALFORMED, detail)
