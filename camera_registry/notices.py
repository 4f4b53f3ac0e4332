"""Reads planned power cuts out of a pasted notice: when, where in its own words, and why. Pure.

Power companies publish them in a dozen layouts, and people paste them from pages, tables and chats. What is
looked for are moments ("từ 07h30 đến 17h00 ngày 12/12/2026", with marks or without) and labels ("Khu vực:",
"Lý do:"); what stands between them is the area or the reason. Nothing is guessed: a cut without a day or an
hour says so, and a line that looks like a moment and was not understood is handed back.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.uptime import Span

LONGEST_NOTICE = 20_000  # characters
MOST_CUTS, MOST_DAYS, MOST_AREAS = 100, 31, 200  # cuts of a notice; days and areas of a cut
LONGEST_NIGHT = timedelta(hours=12)  # a cut that "ends" before it begins ends on the next day, if within this


class NoticeError(RegistryError):
    """The text is no notice that can be read."""


class Fault(StrEnum):
    """What a cut lacks to be entered."""

    NO_DAY = "no_day"
    NO_TIME = "no_time"
    NO_AREA = "no_area"
    IMPOSSIBLE = "impossible"  # 31/02, or an end before the beginning


@dataclass(frozen=True, slots=True)
class Cut:
    """One planned cut. ``areas`` are the notice's own words, one clause each."""

    spans: tuple[Span, ...]
    areas: tuple[str, ...]
    reason: str = ""
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """What a text says. ``unread`` are lines that look as if they told a moment, and tell none."""

    cuts: tuple[Cut, ...]
    unread: tuple[str, ...] = ()


def read_notice(text: str, today: date, zone: tzinfo) -> Notice:
    """The cuts that ``text`` tells, in its order; hours are those of ``zone``.

    A day without a year is the one nearest to ``today``. Raises ``NoticeError`` for a text that is too long
    or tells no cut at all.
    """
    if len(text) > LONGEST_NOTICE:
        raise NoticeError(N_("The notice is longer than {most} characters."), most=LONGEST_NOTICE)
    page = _lines(text)
    tokens = _tokens(page)
    drafts = _drafts(tokens, today)
    if not drafts:
        raise NoticeError(N_("No planned cut can be found in this text."))
    if len(drafts) > MOST_CUTS:
        raise NoticeError(N_("The notice tells more than {most} cuts."), most=MOST_CUTS)
    return Notice(tuple(draft.cut(zone) for draft in drafts), tuple(_unread(page, tokens)))


# --- moments ----------------------------------------------------------------------------------------
# All patterns are read on plain text: lower case, without marks, as long as the text it stands for.

_YEAR = r"(?:\d{4}|\d{2})(?!\d)"
# 12/12/2026, 12-12-2026, 12.12.2026, 12 tháng 12 năm 2026; the year may be left out after "ngày" alone,
# for a street may be called 19/8 and a house have the number 12/5.
_DATED = (
    rf"\d{{1,2}}(?:\s?/\s?\d{{1,2}}\s?/\s?{_YEAR}|[.-]\d{{1,2}}[.-]\d{{4}}"
    r"|\s?thang\s?\d{1,2}(?:\s?nam\s?|/)\d{4})"
)
_YEARLESS = r"\d{1,2}(?:\s?/\s?\d{1,2}|\s?thang\s?\d{1,2})(?![/\d])"
_WEEKDAY = r"(?:thu (?:hai|ba|tu|nam|sau|bay|[2-7])|chu nhat|cn|t[2-7])"
_DAY = rf"(?:ngay\s?:?\s?(?:{_DATED}|{_YEARLESS})|{_DATED})(?:\s?\({_WEEKDAY}\))?"
# 7h, 7h30, 07h30', 7g30, 7 giờ 30 phút, 07:30, 07:30:00, 5 giờ chiều. "toi" is both "tối" and "tới".
_TIME = (
    r"(?<!\d)(?:[01]?\d|2[0-4])\s?"
    r"(?:(?:gio|h|g)(?![a-z])(?:\s?[0-5]?\d(?!\d|\s?/|[.-]\d\d?[.-]\d|\s?thang)(?:\s?(?:'|p(?:hut)?(?![a-z])))?)?"
    r"|:\s?[0-5]\d(?::[0-5]\d)?)"
    r"(?:\s(?:sang|trua|chieu|dem|toi(?!\W*\d))(?:\s(?:mai|nay))?)?"
)
_THERE = (  # what stands between beginning and end; a table says "kết thúc" on a line of its own
    r"[ ,;.)]*\n?\s*(?:[-~|]+>?|den|toi"
    r"|(?:thoi gian|gio|ngay gio)?\s?(?:du kien\s)?(?:ket thuc|dong dien|co dien|tai lap)[^:\n\d]{0,30}:)"
    r"\s?(?:luc|khoang|het)?\s?:?\s?"
)
_RANGE = (
    rf"(?:tu\s?(?:luc|khoang)?\s?:?\s?)?(?:(?P<day1>{_DAY})[ ,:(|]*(?:luc\s|tu\s)?)?(?P<time1>{_TIME})"
    rf"(?:[ ,(]*(?P<day2>{_DAY})\)?)?{_THERE}"
    rf"(?:(?P<day3>{_DAY})[ ,:]*(?:luc\s)?)?(?P<time2>{_TIME})(?:[ ,(]*(?P<day4>{_DAY})\)?)?"
)
_SHORT = r"\d{1,2}(?:\s?/\s?\d{1,2})?"  # a day whose month stands with a later one
_DAYS = (
    rf"(?:\b{_WEEKDAY}[ ,(]*)?(?:"
    rf"(?:tu\s)?ngay\s?:?\s?(?P<first>{_SHORT}|{_DATED})"
    rf"\s?(?:den|-)\s?(?:het\s)?(?:ngay\s)?(?P<last>{_DATED}|{_YEARLESS})"
    rf"|ngay\s?:?\s?(?P<some>{_SHORT}(?:\s?(?:,|va|&|;)\s?(?:ngay\s)?{_SHORT}){{0,30}})"
    rf"\s?(?:,|va|&|;)\s?(?:ngay\s)?(?P<end>{_DATED}|{_YEARLESS})"
    rf"|(?P<day>{_DAY}))"
)
_CUTTING = r"(?:\s(?:bi|du kien|mat|ngung|giam|tam|cung|cap|cat|cup|dien|anh huong|chiu|cong tac|thuc hien))*"
_LABELS = (
    rf"(?P<area>\b(?:cac\s)?(?:khu vuc|pham vi|dia ban|dia diem){_CUTTING}\s?:)"
    rf"|(?P<reason>\b(?:ly do|nguyen nhan|noi dung(?:\scong (?:tac|viec))?|cong viec|muc dich){_CUTTING}\s?:)"
    rf"|(?P<when>\b(?:thoi gian|thoi diem|gio){_CUTTING}(?:\sbat dau)?\s?:)"
    # A reference to a paper, and the place and day above a letter: no day of a cut.
    r"|(?P<paper>^[^\n]*\b(?:so\s?:?\s?\d+\s?/\s?[a-z]|can cu|cap nhat)[^\n]*$"
    r"|^[a-z ]+,\s?ngay \d+ thang \d+ nam \d+\s*$)"
    r"|(?P<other>^\W*(?:(?:cong ty )?dien luc\b[^\n\d]*$|(?:don vi|ghi chu|luu y|lien he|hotline|tong dai"
    r"|ma tram|ten tram|trang thai|so khach hang|noi nhan|kinh |moi thac mac|rat mong|tran trong|xin |de nghi"
    r"|quy khach)[^\n]*))"
)
_TOKEN = re.compile(f"{_LABELS}|(?P<range>{_RANGE})|(?P<days>{_DAYS})", re.MULTILINE)
_NAMES = ("area", "reason", "when", "paper", "other", "range", "days")
_LOOKS_LIKE_A_MOMENT = re.compile(rf"{_TIME}|{_DATED}")

_PLACE = re.compile(
    r"\b(?:phuong|xa|thi tran|thanh pho|tp|tdp|to (?:so )?\d|to dan pho|thon|xom|ban|khu|kp|duong|pho|ngo|hem"
    r"|quoc lo|ql|tinh lo|toan bo|tba|tram|(?<!bien )(?<!trung )(?<!ha )(?<!cao )(?<!dien )ap)\b"
    r"|\b(?:p|x|tt)\."
)
_ANNOUNCES = re.compile(  # what goes before the area in a sentence
    r".*\b(?:ngung|cat|mat|ngat|cup)(?:\sgiam)?(?:\scung)?(?:\scap)?\sdien"
    r"(?:\s(?:tren|tai|o|cho|doi voi|thuoc|cac|mot so|khu vuc|dia ban|pham vi|noi|sau|nhu sau|day))*\s?:?",
    re.DOTALL,
)
_PURPOSE = re.compile(
    r"\b(?:de|nham)\s(?:sua|bao|phuc|thi|thay|cai|xu|nang|dau|lap|kiem|thuc|di|dam)[a-z]*\b"
)
_UNIT = re.compile(r"\b(?:phuong|xa|tdp|thon)\s")
_BULLET = re.compile(r"^\s*(?:[-+*•●▪–—]|\d{1,2}[.)](?!\d)|[a-zđ]\))\s*")
_EDGE = " \n\t,;:.-–—|()•*+"


@dataclass(frozen=True, slots=True)
class _Token:
    """A moment or a label, and the words from it to the next one."""

    name: str
    match: re.Match[str]
    words: str


@dataclass(frozen=True, slots=True)
class _When:
    """Hours of a day. ``through``: from the first day to the last, not on each day anew."""

    begins: time
    ends: time
    days: tuple[date, ...] = ()
    through: bool = False


@dataclass(frozen=True, slots=True)
class _Draft:
    """A cut as far as it has been read."""

    whens: tuple[_When, ...] = ()
    areas: str = ""
    labelled: bool = False  # the area stands behind a label
    reason: str = ""
    wrong: bool = False  # a day or an hour that does not exist

    def cut(self, zone: tzinfo) -> Cut:
        spans = [span for when in self.whens for span in _placed(when, zone)]
        areas = tuple(_clauses(self.areas))[:MOST_AREAS]
        lacks = {
            Fault.NO_TIME: not self.whens and not self.wrong,
            Fault.NO_DAY: any(not when.days for when in self.whens),
            Fault.NO_AREA: not areas,
            Fault.IMPOSSIBLE: self.wrong or any(span.end <= span.start for span in spans),
        }
        sound = tuple(span for span in spans if span.start < span.end)
        return Cut(
            sound, areas, _trimmed(self.reason), tuple(fault for fault, is_so in lacks.items() if is_so)
        )


def _lines(text: str) -> str:
    """The text composed, blanks as one, cells apart; empty lines that stand everywhere mean nothing."""
    lines = [
        " ".join(line.replace("\t", " | ").split())
        for line in unicodedata.normalize("NFC", text).splitlines()
    ]
    told = [line for line in lines if line]
    return "\n".join(told if lines.count("") >= len(told) - 1 else lines)


def _plain(text: str) -> str:
    """Lower case without marks, letter by letter: as long as the text it stands for."""
    return "".join(map(_letter, text))


def _letter(char: str) -> str:
    if char.isascii():
        return char.lower()
    if char in "–—−‒":
        return "-"
    if char in "’′`":
        return "'"
    return "d" if char in "đĐ" else unicodedata.normalize("NFD", char)[0].lower()[0]


def _tokens(page: str) -> list[_Token]:
    found = list(_TOKEN.finditer(_plain(page)))
    ends = [*(match.start() for match in found), len(page)][1:]
    return [
        _Token(next(name for name in _NAMES if match[name]), match, page[match.end() : end])
        for match, end in zip(found, ends, strict=True)
    ]


def _unread(page: str, tokens: Sequence[_Token]) -> Iterator[str]:
    """The lines with what looks like a moment and belongs to no token."""
    read = bytearray(len(page))
    for token in tokens:
        start, end = token.match.span()
        read[start:end] = bytes([token.name != "other"]) * (end - start)
    at = 0
    for line in page.split("\n"):
        if any(not read[at + moment.start()] for moment in _LOOKS_LIKE_A_MOMENT.finditer(_plain(line))):
            yield line
        at += len(line) + 1


def _drafts(tokens: Sequence[_Token], today: date) -> list[_Draft]:
    """The cuts, one after another: what the one at hand has already begins the next one."""
    # "Từ 7h đến 11h: khu vực …" or "Khu vực: …, thời gian: …": the layout tells what a new line begins.
    hours_first = next((t.name for t in tokens if t.name in ("range", "area")), "") == "range"
    done: list[_Draft] = []
    draft = _Draft()
    days: tuple[date, ...] = ()
    for token in tokens:
        whole = bool((draft.whens or draft.wrong) and draft.areas)
        if token.name == "range":
            if whole and hours_first:
                done.append(draft)
                draft = _Draft()
            when = _when(token.match, today)
            if when is None:
                draft = replace(draft, wrong=True)
            else:
                days = when.days if when.days and not when.through else days
                # "từ 5h đến 7h và từ 17h đến 19h ngày 12/12/2026"
                earlier = (each if each.days else replace(each, days=days) for each in draft.whens)
                draft = replace(draft, whens=(*earlier, when if when.days else replace(when, days=days)))
                if len(draft.whens) > MOST_CUTS:
                    raise NoticeError(N_("The notice tells more than {most} cuts."), most=MOST_CUTS)
            draft = _with_words(draft, token.words)
        elif token.name == "days":
            told = _days(token.match, today)
            if any(not when.days for when in draft.whens) and not (whole and hours_first):
                filled = (when if when.days else replace(when, days=told) for when in draft.whens)
                draft = _with_words(replace(draft, whens=tuple(filled)), token.words)
            else:
                if whole and hours_first:
                    done.append(draft)
                    draft = _Draft()
                draft = _with_words(draft, token.words)
            draft = draft if told else replace(draft, wrong=True)
            days = told
        elif token.name == "area":
            if draft.areas and draft.labelled:
                done.append(draft)
                draft = _Draft(whens=draft.whens if hours_first else ())
            elif draft.areas:  # what seemed to be an area was a sentence
                draft = replace(draft, areas="", reason=draft.reason or draft.areas)
            draft = replace(draft, areas=_paragraph(token.words), labelled=True)
        elif token.name == "reason":
            draft = replace(draft, reason=_sentence(token.words))
    if draft.areas or draft.whens or draft.wrong:
        done.append(draft)
    return done


def _with_words(draft: _Draft, words: str) -> _Draft:
    """The words behind a moment are an area, unless there is one; those without a place are a reason."""
    words = _paragraph(words)
    if not _trimmed(words) or draft.areas:
        return draft
    cells = [cell for cell in words.split(" | ") if _trimmed(cell)]
    if len(cells) > 1:
        places = [cell for cell in cells if _PLACE.search(_plain(cell))]
        others = " ".join(_sentence(cell) for cell in cells if cell not in places)
        return replace(draft, areas="\n".join(places), reason=draft.reason or others)
    announced = _ANNOUNCES.match(_plain(words))
    area = words[announced.end() :] if announced else words
    if announced and (not _trimmed(area) or _UNIT.search(_plain(announced[0]))):
        area = words
    purpose = _PURPOSE.search(_plain(area))
    reason = area[purpose.start() :] if purpose else ""
    area = area[: purpose.start()] if purpose else area
    if not _PLACE.search(_plain(area)):
        said = _sentence(words)
        return replace(draft, reason=draft.reason or (said if len(said.split()) > 2 else ""))
    return replace(draft, areas=area, reason=draft.reason or _sentence(reason))


def _paragraph(words: str) -> str:
    """Up to the first empty line behind something said."""
    start = len(words) - len(words.lstrip(_EDGE))
    end = words.find("\n\n", start)
    return words if end < 0 else words[:end]


def _sentence(words: str) -> str:
    """The first line, and those that go on with it."""
    lines = [line for line in _paragraph(words).split("\n") if _trimmed(line)]
    count = next((n for n, line in enumerate(lines) if n and not line[:1].islower()), len(lines))
    return _trimmed(" ".join(lines[:count]))


def _clauses(areas: str) -> Iterator[str]:
    """The parts that stand by themselves: lines, bullets, and what semicolons and full stops separate."""
    lines: list[str] = []
    for line in areas.split("\n"):
        going_on = not _BULLET.match(line) and ((lines and lines[-1].endswith(",")) or line[:1].islower())
        if lines and going_on:
            lines[-1] = f"{lines[-1]} {line}"
        else:
            lines.append(_BULLET.sub("", line))
    for line in lines:
        # A full stop behind a short word is an abbreviation: P. Yên Ninh, TP. Yên Bái.
        for clause in re.split(r";|(?<=\w{3})\.\s+(?=\w)|\s[|]\s", line):
            if re.search(r"\w", clause):
                yield _trimmed(clause) + (":" if clause.rstrip().endswith(":") else "")


def _trimmed(text: str) -> str:
    text = text.strip(_EDGE)
    return f"{text})" if text.count("(") > text.count(")") else text


# --- moments, read ----------------------------------------------------------------------------------


def _when(match: re.Match[str], today: date) -> _When | None:
    """The hours of a range, with its days if it names them; ``None`` for what no clock or calendar has."""
    begins, ends = _time(match["time1"]), _time(match["time2"])
    named = [_day(text, today) for name in ("day1", "day2", "day3", "day4") if (text := match[name])]
    if begins is None or ends is None or None in named:
        return None
    days = [day for day in named if day is not None]
    if len(days) > 1:
        return _When(begins, ends, (days[0], days[-1]), through=True)
    return _When(begins, ends, tuple(days))


def _placed(when: _When, zone: tzinfo) -> Iterator[Span]:
    pairs = [when.days] if when.through else [(day, day) for day in when.days]
    for first, last in pairs:
        start, end = _moment(first, when.begins, zone), _moment(last, when.ends, zone)
        morning = _moment(last + timedelta(days=1), when.ends, zone)
        over_night = not when.through and end <= start and morning - start <= LONGEST_NIGHT
        yield Span(start, morning if over_night else end)


def _moment(day: date, at: time, zone: tzinfo) -> datetime:
    midnight = at == time.max  # 24h00
    local = datetime.combine(day + timedelta(days=midnight), time() if midnight else at, zone)
    return local.astimezone(UTC)


def _time(text: str) -> time | None:
    hour, minute = (int(number) for number in (*re.findall(r"\d+", text), "0")[:2])
    word = (re.findall(r"chieu|toi|dem", text) or [""])[0]
    if word in ("chieu", "toi") or (word == "dem" and hour >= 6):
        hour += 12 if hour < 12 else 0
    if hour == 24 and minute == 0:
        return time.max
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _days(match: re.Match[str], today: date) -> tuple[date, ...]:
    """The days of a list or a range; none where one of them does not exist, or there are too many."""
    if match["day"]:
        day = _day(match["day"], today)
        return (day,) if day else ()
    end = _day(match["last"] or match["end"], today)
    if end is None:
        return ()
    if match["last"]:
        first = _day(match["first"], today, like=end)
        count = (end - first).days + 1 if first else 0
        return tuple(first + timedelta(days=n) for n in range(count)) if first and count <= MOST_DAYS else ()
    told = [_day(text, today, like=end) for text in re.findall(_SHORT, match["some"])[:MOST_DAYS]]
    return (*(day for day in told if day), end) if None not in told else ()


def _day(text: str, today: date, like: date | None = None) -> date | None:
    """A day; what it leaves out is as in ``like``, or a year that brings it nearest to ``today``."""
    day, month, year = ([int(number) for number in re.findall(r"\d+", text)] + [0, 0])[:3]
    month = month or (like.month if like else 0)
    years = [year + 2000 if year < 100 else year] if year else [like.year] if like else _years(today)
    found = [made for each in years if (made := _made(each, month, day))]
    return min(found, key=lambda each: abs(each - today), default=None)


def _years(today: date) -> list[int]:
    return [today.year - 1, today.year, today.year + 1]


def _made(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
