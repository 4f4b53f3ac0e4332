"""A message as HTML for mail: what the plain text says, line by line, readable in every program.

No picture, script, typeface or address of elsewhere: what a mail loads tells somebody that it was read.
Styles stand in the attributes, for programs that drop all others; nothing is said by colour.
"""

import re
from functools import cache
from itertools import groupby

from jinja2 import Environment, StrictUndefined, Template

from camera_registry.alerts.links import PATH
from camera_registry.i18n import Language

_ITEM = "- "
# The one address that becomes a link: ours, alone on its line. What a name holds stays words.
_LINK = re.compile(rf"https?://[^\s/]+(?:/[^\s]*)?{PATH}/[\w-]{{43}}")

_PAGE = """\
<!doctype html>
<html lang="{{ language }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
</head>
<body style="margin:0;padding:16px;font:16px/1.5 'Segoe UI',Roboto,Arial,sans-serif;color:#1c2430">
<div style="max-width:640px;overflow-wrap:anywhere;word-break:break-word">
<h1 style="font-size:18px;line-height:1.35;margin:0 0 12px">{{ title }}</h1>
{% for kind, lines in blocks %}
{% if kind == "items" %}
<ul style="margin:0 0 12px;padding-left:20px">
{% for line in lines %}
<li style="margin:0 0 6px">{{ line }}</li>
{% endfor %}
</ul>
{% elif kind == "link" %}
{% for line in lines %}
<p style="margin:0 0 12px"><a href="{{ line }}" style="color:#0b5cad">{{ line }}</a></p>
{% endfor %}
{% elif kind == "words" %}
{% for line in lines %}
<p style="margin:0 0 12px">{{ line }}</p>
{% endfor %}
{% endif %}
{% endfor %}
</div>
</body>
</html>
"""


def html(title: str, text: str, language: Language = "vi") -> str:
    """The page of a mail. Lines that begin with a dash are a list; a link of ours on its own line is one.

    What it is about stands in brackets before the title, and is not said again before the text.
    """
    tag = title[: title.find("]") + 1]
    text = text.removeprefix(f"{tag} ") if tag else text
    blocks = [
        (kind, [line.removeprefix(_ITEM) if kind == "items" else line for line in lines])
        for kind, lines in groupby(text.splitlines(), key=_kind)
    ]
    return _template().render(title=title, blocks=blocks, language=language)


def _kind(line: str) -> str:
    if not line.strip():
        return "blank"
    if _LINK.fullmatch(line):
        return "link"
    return "items" if line.startswith(_ITEM) else "words"


@cache
def _template() -> Template:
    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return made.from_string(_PAGE)
