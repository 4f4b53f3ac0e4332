"""The house rules that no other tool checks: what may stand in the repository, and what must."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAX_FILE_BYTES = 1_500_000
PACKAGES = ("probes", "camera_registry", "dashboards")

# Written in pieces, so that this file does not contain what it forbids.
REGISTRY_HOSTS = tuple(
    name + "." + domain
    for name, domain in [
        ("pypi", "org"),
        ("files.python" + "hosted", "org"),
        ("registry.npm" + "js", "org"),
        ("registry.yarn" + "pkg", "com"),
        ("jsde" + "livr", "net"),
        ("unp" + "kg", "com"),
        ("cdn" + "js", "com"),
        ("deb.deb" + "ian", "org"),
        ("docker", "io"),
        ("gh" + "cr", "io"),
        ("qu" + "ay", "io"),
        ("crates", "io"),
        ("proxy.go" + "lang", "org"),
    ]
)
MACHINE_PATHS = tuple("/" + rest for rest in ("work" + "/", "tmp" + "/brief", "root" + "/"))
SECRETS = re.compile(
    "|".join(
        [
            "BEGIN " + r"(?:[A-Z]+ )?PRIVATE KEY",
            r"\bAKIA" + r"[0-9A-Z]{16}\b",  # cloud access keys
            r"\bgh[pousr]" + r"_[A-Za-z0-9]{36}\b",  # forge tokens
            r"\bxox[abp]" + r"-[A-Za-z0-9-]{20,}",  # chat tokens
            r"\beyJ[A-Za-z0-9_-]{20,}" + r"\.eyJ[A-Za-z0-9_-]{20,}",  # JSON web tokens
            r"\bgAAAAA" + r"[A-Za-z0-9_-]{60,}",  # Fernet tokens
            r"\b\d{8,10}:AA" + r"[A-Za-z0-9_-]{32,}",  # bot tokens
        ]
    )
)


def tracked() -> list[Path]:
    """The files that git keeps and that stand in the working tree."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    paths = [ROOT / name for name in listed.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def text_files() -> list[tuple[str, str]]:
    """Name and content of the tracked files that are text."""
    found = []
    for path in tracked():
        try:
            found.append((str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def pyproject() -> str:
    return (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("forbidden", [*REGISTRY_HOSTS, *MACHINE_PATHS])
def test_no_file_names(forbidden: str) -> None:
    assert [name for name, text in text_files() if forbidden in text] == []


def test_no_file_holds_what_looks_like_a_secret() -> None:
    assert [(name, found[0][:20]) for name, text in text_files() if (found := SECRETS.search(text))] == []


def test_no_file_is_large() -> None:
    assert [str(path) for path in tracked() if path.stat().st_size > MAX_FILE_BYTES] == []


def test_every_dependency_has_its_reason_beside_it() -> None:
    settings = tomllib.loads(pyproject())
    lists = [
        settings["project"]["dependencies"],
        *settings["dependency-groups"].values(),
        *(
            names
            for extra, names in settings["project"]["optional-dependencies"].items()
            if extra != "all"  # the others together
        ),
    ]
    lines = pyproject().splitlines()
    for dependency in (name for names in lists for name in names):
        line = next(
            line for line in lines if line.strip().startswith(f'"{dependency}"') or f'["{dependency}"' in line
        )
        assert re.search(r"# \S+ \S+", line), f"{dependency}: why?"


def test_every_lint_exception_has_its_reason_beside_it() -> None:
    for name, text in text_files():
        if not name.endswith(".py"):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            for mark in ("# type: " + "ignore", "# no" + "qa"):
                if mark in line:
                    _, _, after = line.partition(mark)
                    assert re.search(r"^(: ?[A-Z]+\d+(, ?[A-Z]+\d+)*|\[[a-z, -]+\])\W+\w+\W+\w+", after), (
                        f"{name}:{number}: why?"
                    )


def test_lock_pins_by_hash_and_holds_no_address() -> None:
    for lock in (ROOT / "requirements.lock", ROOT / "tests/peers/requirements.lock"):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text
        assert not re.search(r"^\s*(--(extra-)?index-url|--find-links|-[if]\b)", text, re.MULTILINE)
        pins = re.split(r"^(?=[a-zA-Z0-9])", text, flags=re.MULTILINE)[1:]
        assert pins
        for pin in pins:
            assert re.match(r"[a-z0-9.-]+==\S+", pin), pin.splitlines()[0]
            assert "--hash=sha256:" in pin, pin.splitlines()[0]


def test_lock_holds_every_dependency() -> None:
    settings = tomllib.loads(pyproject())
    wanted = [*settings["project"]["dependencies"], *settings["dependency-groups"]["dev"]]
    locked = set(re.findall(r"^([a-z0-9.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    names = {match[0].lower() for name in wanted if (match := re.match(r"[A-Za-z0-9-]+", name))}
    assert names - locked == set()


@pytest.mark.parametrize("page", ["README.md", ".github/CONTRIBUTING.md", "Makefile"])
def test_commands_named_in(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"(?:`|^ {4}|\$ )make ([a-z]+)", (ROOT / page).read_text(), re.MULTILINE))
    assert named <= targets


def test_make_help_is_the_default_and_names_the_two_commands() -> None:
    printed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("demo", "test", "lint", "bench", "fmt", "help"):
        assert f"make {target} " in printed


def test_packages_are_empty_at_their_top() -> None:
    # Importing probes.result must drag in nothing.
    for package in PACKAGES:
        tree = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
        assert [node for node in tree.body if not isinstance(node, ast.Expr)] == []


def test_only_one_room_commits() -> None:
    rooms = [name for name, text in text_files() if name.startswith(PACKAGES) and ".commit()" in text]
    assert rooms in ([], ["camera_registry/db.py"])


def test_nobody_asks_whether_it_is_tested() -> None:
    question = re.compile("PYTEST" + "_CURRENT_TEST|sys" + r"\.modules.*pytest|TEST" + "ING\b")
    assert [name for name, text in text_files() if name.startswith(PACKAGES) and question.search(text)] == []


def test_licence_stands_beside_the_code() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    for name in ("psycopg", "FFmpeg", "vietnamese-provinces-database"):
        assert name in notice
