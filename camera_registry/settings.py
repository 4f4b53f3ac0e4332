"""Every setting with its meaning.

Read, in falling order of precedence, from the environment (``CAMERA_REGISTRY_…``), from files named by
``CAMERA_REGISTRY_…_FILE`` (secrets), and from the TOML file named by ``CAMERA_REGISTRY_CONFIG``.
A wrong value stops the program with its name and reason.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from camera_registry.errors import RegistryError, reason_of
from camera_registry.i18n import LANGUAGES, N_, Language

PREFIX = "CAMERA_REGISTRY_"


# Why a value is refused, by pydantic's name for it; what it fills in is in the context of its error.
REASONS = {
    "int_parsing": N_("not a whole number"),
    "int_type": N_("not a whole number"),
    "int_from_float": N_("not a whole number"),
    "float_parsing": N_("not a number"),
    "float_type": N_("not a number"),
    "bool_parsing": N_("neither true nor false"),
    "bool_type": N_("neither true nor false"),
    "string_type": N_("not a text"),
    "greater_than_equal": N_("less than {ge}, the least that is possible"),
    "less_than_equal": N_("more than {le}, the most that is possible"),
    "literal_error": N_("none of what is possible: {expected}"),
    "extra_forbidden": N_("there is no such setting"),
}


@dataclass(frozen=True, slots=True)
class WrongSetting:
    """One that is wrong, by the name of its variable, and why; ``values`` fill the reason's ``{names}``."""

    variable: str
    reason: str
    values: Mapping[str, object] = field(default_factory=dict)


class SettingsError(RegistryError):
    """Settings are wrong; the text names each one and says why, a line for each. Never a value."""

    def __init__(self, *wrong: WrongSetting) -> None:
        super().__init__("")
        self.wrong = wrong

    def text(self, language: Language) -> str:
        """In ``language``: the one that the settings ask for may be what is wrong."""
        return "\n".join(
            f"{one.variable}: {RegistryError(one.reason, **one.values).text(language)}" for one in self.wrong
        )


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError) as exc:
        raise ValueError(N_("there is no such time zone; one is called Asia/Ho_Chi_Minh")) from exc
    return name


def _database(url: SecretStr) -> SecretStr:
    from sqlalchemy import make_url  # half a second that a command without a database need not wait
    from sqlalchemy.exc import ArgumentError

    try:
        kind = make_url(url.get_secret_value()).get_backend_name()
    except (ArgumentError, ValueError):  # its text may quote a piece of the password
        raise ValueError(N_("not a database URL, like sqlite:///file or postgresql+psycopg://…")) from None
    if kind not in ("sqlite", "postgresql"):
        raise ValueError(N_("only sqlite and postgresql are known"))
    return url


def private(address: str) -> bool:
    """Whether nobody between can read along: an address over TLS, or of this very machine."""
    parts = urlsplit(address)
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")


def _private_address(address: str) -> str:
    if not private(address) or "?" in address or "#" in address or "@" in address:
        raise ValueError(N_("not an https:// address"))
    return address


def _listed(text: object) -> object:
    """Several values of one setting stand in one line, with commas between them."""
    return tuple(filter(None, map(str.strip, text.lower().split(",")))) if isinstance(text, str) else text


def _networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    try:
        for text in texts:
            ip_network(text)
    except ValueError:  # its text quotes the value
        raise ValueError(N_("not IP addresses or networks, like 10.0.0.7 or 10.0.0.0/24")) from None
    return texts


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


def _mail_server(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        sender = parse_qs(parts.query).get("from", [""])[0]
        known = parts.scheme in ("smtp", "smtps") and parts.hostname and parts.port != 0
    except ValueError:  # its text may quote the password
        known, sender = None, ""
    if not known or not re.fullmatch(r"[!-?A-~]+@[A-Za-z0-9.-]+", sender):
        raise ValueError(
            N_("not an address like smtp://user:password@mail.example.vn:587?from=camera@example.vn")
        )
    return url


def _bot_token(token: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[0-9]+:[A-Za-z0-9_-]+", token.get_secret_value()):
        raise ValueError(N_("not a token as Zalo gives it, 123456789:abc…"))
    return token


def _secret_address(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # its text may quote the address
        known = None
    if not known:
        raise ValueError(N_("not an address like https://example.vn/ping/…"))
    return url


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError(N_("not an address like http://127.0.0.1:9090, without a name and password in it"))
    return url


class Settings(BaseSettings):
    """The settings of one process. Descriptions here are the documentation."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    data_dir: Path = Field(Path("var"), description="Where the embedded database and the key file live.")
    database_url: Annotated[SecretStr, AfterValidator(_database)] | None = Field(
        None,
        description="SQLAlchemy URL; default: SQLite in data_dir. PostgreSQL: postgresql+psycopg://…",
    )
    credential_key: SecretStr | None = Field(
        None,
        description="Fernet keys, newest first, separated by commas, that seal camera passwords. "
        "Default: the file credential.key in data_dir, made on first start.",
    )
    metrics_token: SecretStr | None = Field(
        None,
        description="Bearer token that opens /metrics to other machines, and to this one where "
        "PUBLIC_NAMES is set.",
    )
    public_names: Listed = Field(
        (),
        description="Host names, or addresses, under which browsers reach this server from other machines, "
        "separated by commas; over HTTPS only.",
    )
    trusted_proxies: Annotated[Listed, AfterValidator(_networks)] = Field(
        (),
        description="Addresses or networks of the reverse proxies that speak HTTPS in front of this server, "
        "separated by commas: what they say of the browser (X-Forwarded-For, -Proto) is believed. "
        "A network named here must hold proxies only.",
    )
    oidc_issuer: Annotated[str, AfterValidator(_private_address)] | None = Field(
        None,
        description="Address of an OpenID Connect provider by which people may sign in too, as it calls "
        "itself. It sends browsers back to /sign-in/oidc/back.",
    )
    oidc_client_id: str = Field("camera-registry", description="What the provider calls this registry.")
    oidc_client_secret: SecretStr | None = Field(
        None, description="Proves to the provider that it is us; none for a public client."
    )
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        "Asia/Ho_Chi_Minh", description="Zone in which days and months begin and people read times."
    )
    language: Literal["vi", "en"] = Field("vi", description="Language of pages and messages.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level logged.")
    log_format: Literal["text", "json"] = Field("text", description="Logs for people or for machines.")
    deep_interval_s: int = Field(
        300, ge=60, le=86_400, description="Seconds between probes that decode the keyframe."
    )
    in_flight: int = Field(300, ge=1, le=5_000, description="Most probes under way at once.")
    shard_eyes: int = Field(32, ge=1, le=5_000, description="About how many eyes one shard of a sweep holds.")
    confirm_after: int = Field(
        3, ge=1, le=10, description="Failed stream probes in a row that make an eye down, from the first one."
    )
    silence_factor: float = Field(
        2.5, ge=1.5, le=10, description="Intervals without a result after which a state is unknown."
    )
    host_clock: Literal["checked", "trusted"] = Field(
        "checked", description="Whether device clocks are judged only while ours is known to be synchronised."
    )
    lateness_days: int = Field(
        7, ge=1, le=60, description="Results that arrive later than this many days are refused and counted."
    )

    asset_wear_percent: float = Field(
        12.5, ge=0, le=100, description="Per cent of its original cost by which a point wears in a year."
    )

    report_keep_days: int = Field(
        90, ge=1, le=3_660, description="Days for which a report that was made is kept."
    )
    close_months: bool = Field(
        False,
        description="Whether months are closed by themselves, once nothing late can change them; reports "
        "on a schedule wait for it.",
    )
    push_token: SecretStr | None = Field(
        None, description="The token by which `push` delivers the results of its site."
    )
    prometheus_url: Annotated[str, AfterValidator(_web_address)] | None = Field(
        None,
        description="The Prometheus that scrapes this registry, http://…; curves of longer ago than a week "
        "are read from it.",
    )
    smtp_url: Annotated[SecretStr, AfterValidator(_mail_server)] | None = Field(
        None,
        description="The server that takes our mail, and the sender: "
        "smtp://user:password@host:587?from=camera@example.vn; smtps:// speaks TLS from the start.",
    )
    zalo_bot_token: Annotated[SecretStr, AfterValidator(_bot_token)] | None = Field(
        None, description="Token of the Zalo bot by which people are told, and answer."
    )
    zalo_api_url: Annotated[str, AfterValidator(_private_address)] = Field(
        "https://bot-api.zaloplatforms.com",
        description="Where the API of Zalo bots is; it has moved before.",
    )
    webhook_networks: Annotated[Listed, AfterValidator(_networks)] = Field(
        (),
        description="Addresses or networks, separated by commas, in which webhooks may be besides the "
        "Internet: whoever may make channels can have posted to what stands there.",
    )
    public_url: Annotated[str, AfterValidator(_private_address)] | None = Field(
        None,
        description="Address of these pages as recipients of messages reach it; messages then carry a link "
        "that shows their incident.",
    )
    heartbeat_url: Annotated[SecretStr, AfterValidator(_secret_address)] | None = Field(
        None,
        description="Address asked (GET) each minute while sweeps and deliveries are fresh: who misses it "
        "knows that the monitor is ill.",
    )
    report_days: int = Field(
        30, ge=1, le=366, description="Days for which a person's report on an eye without a network holds."
    )
    session_idle_h: int = Field(
        72,
        ge=1,
        le=720,
        description="Hours without a request after which a browser has to sign in again. An open page asks "
        "when something has changed; the stream that tells it so does not count.",
    )
    session_days: int = Field(
        30, ge=1, le=366, description="Days after which a browser has to sign in again, whatever it asked."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _NamedFiles(settings_cls), _Toml(settings_cls)

    @property
    def url(self) -> str:
        """The database's URL, with its password if it has one: hand it to the engine, print it never."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir.resolve() / 'registry.db'}"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class _NamedFiles(PydanticBaseSettingsSource):
    """``CAMERA_REGISTRY_X_FILE=/run/secrets/x``: the setting's value is the file's text."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        variable = f"{PREFIX}{field_name.upper()}_FILE"
        path = os.environ.get(variable)
        if path is None:
            return None, field_name, False
        try:
            return Path(path).read_text("utf-8").strip(), field_name, False
        except OSError as exc:
            raise _unread(variable, path, exc) from exc
        except UnicodeDecodeError:
            wrong = WrongSetting(variable, N_("{path} is not UTF-8 text"), {"path": path})
            raise SettingsError(wrong) from None

    def __call__(self) -> dict[str, Any]:
        values = {
            name: self.get_field_value(f, name)[0] for name, f in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in values.items() if value is not None}


class _Toml(PydanticBaseSettingsSource):
    """The TOML file named by ``CAMERA_REGISTRY_CONFIG``."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        path = os.environ.get(f"{PREFIX}CONFIG")
        if path is None:
            return {}
        try:
            return tomllib.loads(Path(path).read_text("utf-8"))
        except OSError as exc:
            raise _unread(f"{PREFIX}CONFIG", path, exc) from exc
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
            values = {"path": path, "why": exc}
            message = N_("{path} is not TOML: {why}")
            raise SettingsError(WrongSetting(f"{PREFIX}CONFIG", message, values)) from exc


def _unread(variable: str, path: str, error: OSError) -> SettingsError:
    values = {"path": path, "reason": reason_of(error)}
    return SettingsError(WrongSetting(variable, N_("cannot read {path}: {reason}"), values))


def load(**overrides: Any) -> Settings:
    """Read the settings. Raises ``SettingsError`` naming every wrong or unknown one, never its value."""
    known = {f"{PREFIX}{name.upper()}{end}" for name in Settings.model_fields for end in ("", "_FILE")}
    unknown = sorted(v for v in os.environ if v.startswith(PREFIX) and v not in known | {f"{PREFIX}CONFIG"})
    if unknown:
        raise SettingsError(*(WrongSetting(each, REASONS["extra_forbidden"]) for each in unknown))
    try:
        return Settings(**overrides)
    except ValidationError as exc:
        raise SettingsError(*map(_wrong, exc.errors())) from None


def wanted_language() -> Language:
    """The language that the environment asks for, if there is such a one: settings are refused in it."""
    said = os.environ.get(f"{PREFIX}LANGUAGE")
    return next((language for language in LANGUAGES if language == said), LANGUAGES[0])


def _wrong(error: ErrorDetails) -> WrongSetting:
    variable = f"{PREFIX}{str(error['loc'][0]).upper()}"
    said = {name: str(value).replace(" or ", ", ") for name, value in error.get("ctx", {}).items()}
    if error["type"] == "value_error":  # one of ours, above
        return WrongSetting(variable, said["error"])
    if error["type"] in REASONS:
        return WrongSetting(variable, REASONS[error["type"]], said)
    return WrongSetting(variable, error["msg"])
