"""axe-core in a page: what keeps people from using it (WCAG 2.2, levels A and AA, and good practice)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def violations(page: Page) -> list[str]:
    """One line for each element that breaks a rule: the rule, the element, what is wrong with it."""
    page.evaluate(AXE)  # by the debugger, so the content policy of the page stays in force
    return _broken(page, {"type": "tag", "values": TAGS})


def pale(page: Page) -> list[str]:
    """The same of contrast alone, in the theme that the page has now; after ``violations``."""
    return _broken(page, {"type": "rule", "values": ["color-contrast"]})


def _broken(page: Page, rules: Mapping[str, Any]) -> list[str]:
    found: list[dict[str, Any]] = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']}).then(it => it.violations)",
        rules,
    )
    return [
        f"{rule['id']}: {node['html'][:200]} – {node['failureSummary'].splitlines()[-1].strip()}"
        for rule in found
        for node in rule["nodes"]
    ]
