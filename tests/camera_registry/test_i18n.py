import re
import string
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from camera_registry import deeds, i18n, register_words, words
from camera_registry.audit import Action
from camera_registry.facts import Change
from camera_registry.findings import Evidence
from camera_registry.grades import Grade
from camera_registry.i18n import LOCALE_DIR, Language
from camera_registry.inventory import Word
from camera_registry.queries import STANDINGS
from probes.reasons import Check, Outcome, Reason
from probes.result import Mode, Step

ROOT = Path(__file__).parents[2]
CATALOGUE = LOCALE_DIR / "vi" / "LC_MESSAGES" / "messages.po"
TEMPLATE = "**/templates/**.html"
METHODS = [("**.py", "python"), (TEMPLATE, "jinja2.ext:babel_extract")]
LOUD = {TEMPLATE: {"silent": "false"}}  # a template that cannot be read is not one without words
KEYWORDS = dict.fromkeys(("N_", "_", "say")) | dict.fromkeys(("NN_", "_n", "many"), (1, 2))
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@cache
def messages_in_use() -> dict[str | tuple[str, ...], str]:
    """Every msgid that code and templates mark, and where; of one thing and of several is a pair."""
    found: dict[str | tuple[str, ...], str] = {}
    for package in ("probes", "camera_registry", "dashboards"):
        marked = extract_from_dir(ROOT / package, METHODS, LOUD, keywords=KEYWORDS)
        for file, line, message, _, _ in marked:
            found.setdefault(message, f"{package}/{file}:{line}")
    return found


def vietnamese() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file)


def forms(text: str | Sequence[str] | None) -> tuple[str, ...]:
    """Of one thing and of several, where a message has both."""
    return (text,) if isinstance(text, str) else tuple(text or ())


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_message_is_translated() -> None:
    catalogue = vietnamese()
    used = messages_in_use()

    missing = {
        message: at
        for message, at in used.items()
        if (there := catalogue.get(message)) is None
        or forms(there.id) != forms(message)
        or not all(forms(there.string))
    }

    assert len(used) > 100
    assert missing == {}


def test_every_translation_is_of_a_message() -> None:
    used = {forms(message)[0] for message in messages_in_use()}

    assert [message.id for message in vietnamese() if message.id and forms(message.id)[0] not in used] == []


def test_translations_fill_the_same_values() -> None:
    for message in vietnamese():
        if message.id:
            assert fields(forms(message.id)[-1]) == fields(forms(message.string)[-1]), message.id


def test_no_message_stands_twice() -> None:
    # Rooms append to one file; reading it keeps one of two entries without a word.
    ids = re.findall(r'^msgid ((?:".*"\n)+)', CATALOGUE.read_text(encoding="utf-8"), re.MULTILINE)

    assert [message for message, count in Counter(ids).items() if count > 1] == []


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_slug_has_words(language: Language) -> None:
    texts = [i18n.translate(words.reason_text(reason), language) for reason in Reason]

    assert [text for text in texts if not text.endswith(".") or len(text) > 90] == []
    assert len(set(texts)) == len(texts)
    assert set(words.STANDINGS) == {str(standing) for standing in STANDINGS}
    assert set(words.OUTCOMES) == set(Outcome)
    assert set(words.LEDGERS) == {"eye", *Check}
    assert set(words.STEPS) == set(Step)
    for said, slugs in (
        (deeds.EVIDENCE, Evidence),
        (words.MODES, Mode),
        (deeds.GRADES, Grade),
        (register_words.REPORTED, Word),
        (deeds.CHANGES, Change),
        (deeds.ACTIONS, Action),
    ):
        assert set(said) == set(slugs)


def test_a_reason_of_a_newer_program_speaks_for_itself() -> None:
    assert words.reason_text("SOMETHING_NEW") == "SOMETHING_NEW"


@pytest.mark.parametrize(
    ("language", "figure", "share"),
    [
        pytest.param("vi", "1.234.567,5", "99,50\N{NO-BREAK SPACE}%", id="vi"),
        pytest.param("en", "1,234,567.5", "99.50\N{NO-BREAK SPACE}%", id="en"),
    ],
)
def test_figures(language: Language, figure: str, share: str) -> None:
    assert i18n.number(1_234_567.5, language) == figure
    assert i18n.percent(0.995, language) == share


@pytest.mark.parametrize(
    ("at", "short"),
    [
        pytest.param(datetime(2026, 11, 22, 1, 5, tzinfo=UTC), "08:05", id="today"),
        pytest.param(datetime(2026, 11, 21, 17, 0, tzinfo=UTC), "00:00", id="today began at midnight here"),
        pytest.param(datetime(2026, 11, 21, 16, 59, tzinfo=UTC), "21/11 23:59", id="yesterday"),
        pytest.param(datetime(2025, 12, 31, 17, 0, tzinfo=UTC), "01/01 00:00", id="this year, here"),
        pytest.param(datetime(2025, 12, 31, 16, 59, tzinfo=UTC), "31/12/2025", id="last year"),
    ],
)
def test_moments_are_read_in_the_zone_of_the_reader(at: datetime, short: str) -> None:
    assert i18n.short_moment(at, NOW, "vi", ZONE) == short


def test_a_moment_in_full() -> None:
    assert i18n.moment(NOW, "vi", ZONE) == "22/11/2026 10:00:00 (+07:00)"
    assert i18n.moment(NOW, "en", ZONE) == "2026-11-22 10:00:00 (+07:00)"


def test_names_sort_as_in_a_vietnamese_dictionary() -> None:
    ordered = ["3", "20", "an", "ăn", "ân", "ba", "bà", "bả", "bã", "bá", "bạ", "bán", "da", "đa"]
    ordered += ["tổ 1", "tổ 2a", "tổ 10", "ỷ", "yên"]

    assert sorted(set(ordered), key=i18n.collation_key) == ordered


def words_we_do_not_use() -> list[str]:
    """The last column of the table of words."""
    rows = (ROOT / "docs" / "words.md").read_text(encoding="utf-8").splitlines()
    table = [row.strip("|").split("|") for row in rows if row.startswith("|")]
    return [word.strip() for cells in table[2:] for word in cells[-1].split(",") if word.strip()]


def test_one_idea_has_one_word() -> None:
    told = [(form, str(forms(message.id)[0])) for message in vietnamese() for form in forms(message.string)]
    found = [(word, of) for word in words_we_do_not_use() for form, of in told if word in form.casefold()]

    assert len(words_we_do_not_use()) > 20
    assert found == []


def test_tone_marks_stand_where_the_older_spelling_has_them() -> None:
    # A final oa, oe or uy has its mark on the first letter; before another letter it has it on the second.
    newer = re.compile(r"\w*(?:o[àáảãạèéẻẽẹ]|(?<![qQ])u[ỳýỷỹỵ])\b")
    found = [newer.findall(form) for message in vietnamese() for form in forms(message.string)]

    assert [words for words in found if words] == []
