"""Settings: where each comes from, and a refusal that names the wrong one without telling its value."""

import os
from pathlib import Path

import pytest

from camera_registry import settings
from camera_registry.i18n import catalogue
from camera_registry.settings import PREFIX, Settings, SettingsError

SECRET = "canary-51Tz"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Nothing is set but what the test sets."""
    monkeypatch.chdir(tmp_path)
    for variable in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(variable)
    return monkeypatch


def toml(environment: pytest.MonkeyPatch, text: str) -> None:
    Path("registry.toml").write_text(text)
    environment.setenv(f"{PREFIX}CONFIG", "registry.toml")


def refusal() -> str:
    with pytest.raises(SettingsError) as refused:
        settings.load()
    return str(refused.value)


def test_without_any_it_runs_on_an_embedded_database(environment: pytest.MonkeyPatch) -> None:
    loaded = settings.load()
    assert loaded.url == f"sqlite:///{Path.cwd() / 'var' / 'registry.db'}"
    assert loaded.zone.key == "Asia/Ho_Chi_Minh"
    assert loaded.language == "vi"


def test_each_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_environment_goes_before_files_and_files_before_toml(environment: pytest.MonkeyPatch) -> None:
    toml(environment, 'in_flight = 1\nshard_eyes = 1\nconfirm_after = 1\nlanguage = "en"')
    for name in ("IN_FLIGHT", "SHARD_EYES"):
        Path(name).write_text("2\n")
        environment.setenv(f"{PREFIX}{name}_FILE", name)
    environment.setenv(f"{PREFIX}IN_FLIGHT", "3")
    loaded = settings.load()
    assert (loaded.in_flight, loaded.shard_eyes, loaded.confirm_after, loaded.language) == (3, 2, 1, "en")
    assert settings.load(in_flight=4).in_flight == 4, "and what the program itself says before all"


def test_secrets_come_from_files_and_are_shown_nowhere(environment: pytest.MonkeyPatch) -> None:
    Path("url").write_text(f"postgresql+psycopg://registry:{SECRET}@db/registry\n")
    Path("token").write_text(f"{SECRET}\n")
    environment.setenv(f"{PREFIX}DATABASE_URL_FILE", "url")
    environment.setenv(f"{PREFIX}METRICS_TOKEN_FILE", "token")
    environment.setenv(f"{PREFIX}CREDENTIAL_KEY", SECRET)
    loaded = settings.load()
    assert loaded.url == f"postgresql+psycopg://registry:{SECRET}@db/registry"
    assert loaded.metrics_token is not None
    assert loaded.metrics_token.get_secret_value() == SECRET
    assert SECRET not in f"{loaded!r} {loaded} {loaded.model_dump()} {loaded.model_dump_json()}"


WRONG = [
    pytest.param("IN_FLIGHT", "many", "not a whole number", id="a word for a number"),
    pytest.param("IN_FLIGHT", "0", "less than 1", id="too small"),
    pytest.param("IN_FLIGHT", "5001", "more than 5000", id="too large"),
    pytest.param("IN_FLIGHT", "", "not a whole number", id="empty"),
    pytest.param("DEEP_INTERVAL_S", "59", "less than 60", id="deep probes too often"),
    pytest.param("SHARD_EYES", "1.5", "not a whole number", id="half an eye"),
    pytest.param("CONFIRM_AFTER", "11", "more than 10", id="never confirmed"),
    pytest.param("SILENCE_FACTOR", "1", "less than 1.5", id="silence before the next probe"),
    pytest.param("SILENCE_FACTOR", "nan", "", id="no number"),
    pytest.param("LATENESS_DAYS", "-1", "less than 1", id="negative"),
    pytest.param("TIMEZONE", "Asia/Hanoi", "no such time zone", id="a zone that is none"),
    pytest.param("TIMEZONE", "../../etc/passwd", "no such time zone", id="a path for a zone"),
    pytest.param("LANGUAGE", "fr", "'vi', 'en'", id="a language we do not speak"),
    pytest.param("LOG_LEVEL", "loud", "'debug', 'info', 'warning', 'error'", id="a level"),
    pytest.param("LOG_FORMAT", "xml", "'text', 'json'", id="a format"),
    pytest.param("DATABASE_URL", f"{SECRET}", "not a database URL", id="no URL"),
    pytest.param("DATABASE_URL", f"postgresql+psycopg://u:{SECRET}/db", "not a database URL", id="no host"),
    pytest.param(
        "DATABASE_URL", f"mysql://u:{SECRET}@h/db", "only sqlite and postgresql", id="another database"
    ),
]


@pytest.mark.parametrize(("name", "value", "reason"), WRONG)
def test_a_wrong_value_is_named_with_its_reason(
    environment: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    environment.setenv(f"{PREFIX}{name}", value)
    text = refusal()
    assert text.startswith(f"{PREFIX}{name}: ")
    assert reason in text
    assert SECRET not in text
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize(("name", "value", "reason"), [case for case in WRONG if case.id != "empty"])
def test_the_same_from_a_file(environment: pytest.MonkeyPatch, name: str, value: str, reason: str) -> None:
    Path("secret").write_text(value)
    environment.setenv(f"{PREFIX}{name}_FILE", "secret")
    text = refusal()
    assert text.startswith(f"{PREFIX}{name}: ")
    assert reason in text
    assert SECRET not in text


def test_every_wrong_one_is_named(environment: pytest.MonkeyPatch) -> None:
    toml(environment, f'language = "fr"\nin_flight = "many"\ndatabase_url = "{SECRET}"')
    environment.setenv(f"{PREFIX}SHARD_EYES", "0")
    named = {line.partition(":")[0].removeprefix(PREFIX) for line in refusal().splitlines()}
    assert named == {"LANGUAGE", "IN_FLIGHT", "DATABASE_URL", "SHARD_EYES"}
    assert SECRET not in refusal()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        pytest.param("INFLIGHT", "3", id="misspelt"),
        pytest.param("IN_FLIGHT_FILES", "3", id="nearly a file"),
        pytest.param("METRIC_TOKEN", SECRET, id="a misspelt secret"),
    ],
)
def test_an_unknown_variable_stops_the_program(
    environment: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    environment.setenv(f"{PREFIX}{variable}", value)
    assert refusal() == f"{PREFIX}{variable}: there is no such setting"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(
            'inflight = 3\nmetrik = "x"',
            "CAMERA_REGISTRY_INFLIGHT: there is no such setting",
            id="an unknown key",
        ),
        pytest.param("in_flight = [3]", "CAMERA_REGISTRY_IN_FLIGHT: ", id="a list"),
        pytest.param("metrics_token = 5", "CAMERA_REGISTRY_METRICS_TOKEN: ", id="a number for a token"),
        pytest.param(f'metrics_token = "{SECRET}', "registry.toml is not TOML", id="an open quote"),
        pytest.param(f'metrics_token = "{SECRET}"\nmetrics_token = "x"', "is not TOML", id="given twice"),
    ],
)
def test_a_wrong_file_is_refused(environment: pytest.MonkeyPatch, text: str, says: str) -> None:
    toml(environment, text)
    assert says in refusal()
    assert SECRET not in refusal()


def test_files_that_cannot_be_read_are_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv(f"{PREFIX}METRICS_TOKEN_FILE", "nowhere")
    assert refusal() == f"{PREFIX}METRICS_TOKEN_FILE: cannot read nowhere: No such file or directory"
    Path("nowhere").write_bytes(SECRET.encode() + b"\xff")
    assert refusal() == f"{PREFIX}METRICS_TOKEN_FILE: nowhere is not UTF-8 text"
    environment.delenv(f"{PREFIX}METRICS_TOKEN_FILE")
    environment.setenv(f"{PREFIX}CONFIG", "registry.toml")
    assert refusal() == f"{PREFIX}CONFIG: cannot read registry.toml: No such file or directory"
    Path("registry.toml").write_bytes(f'metrics_token = "{SECRET}"'.encode("utf-16"))
    assert refusal().startswith(f"{PREFIX}CONFIG: registry.toml is not TOML: ")
    assert SECRET not in refusal()


def test_it_is_refused_in_the_language_that_is_wanted(environment: pytest.MonkeyPatch) -> None:
    environment.setenv(f"{PREFIX}IN_FLIGHT", "0")
    environment.setenv(f"{PREFIX}INFLIGHT_FILE", "x")
    for wanted, language in ((None, "vi"), ("en", "en"), ("fr", "vi")):
        if wanted is not None:
            environment.setenv(f"{PREFIX}LANGUAGE", wanted)
        assert settings.wanted_language() == language
    with pytest.raises(SettingsError) as refused:
        settings.load()
    assert refused.value.text("vi") == f"{PREFIX}INFLIGHT_FILE: không có thiết lập này"
    environment.delenv(f"{PREFIX}INFLIGHT_FILE")
    with pytest.raises(SettingsError) as refused:
        settings.load()
    assert refused.value.text("vi").splitlines() == [
        f"{PREFIX}LANGUAGE: không thuộc các giá trị cho phép: 'vi', 'en'",
        f"{PREFIX}IN_FLIGHT: nhỏ hơn mức thấp nhất là 1",
    ]


def test_each_reason_is_said_in_vietnamese() -> None:
    assert [text for text in settings.REASONS.values() if catalogue("vi").gettext(text) == text] == []
