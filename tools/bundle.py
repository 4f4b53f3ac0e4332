"""Builds the archives by which a server without Internet is set up: one for each Python.

usage: .venv/bin/python tools/bundle.py [--python 3.12]... [--into FOLDER] [--fetch]

Each holds a wheelhouse of what ``requirements.lock`` pins for running (not for developing), checked by hash;
our own wheel; and what stands in ``deploy/bundle``. ``--fetch`` only fills the cache of wheels.
"""

import argparse
import gzip
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".venv/wheelhouse"
EXTRAS = ("postgres",)  # what a server may need besides; probes on many machines come by another way
PYTHONS = ("3.11", "3.12", "3.13")  # Debian 12, Ubuntu 24.04, Debian 13
OLDEST_GLIBC, NEWEST_GLIBC = 5, 36  # 2.x; the newest is that of the oldest of these systems, Debian 12
ARCHITECTURE = "x86_64"
SYSTEM = f"linux-{ARCHITECTURE}"
UNITS = ("camera-registry.service", "camera-registry-push.service")
BESIDE = ("LICENSE", "NOTICE", "CHANGELOG.md", *(f"deploy/systemd/{unit}" for unit in UNITS))


def main() -> None:
    asked = argparse.ArgumentParser(description="Build archives for servers without Internet.")
    asked.add_argument("--python", action="append", help="3.11, 3.12, …; again for more; default: all three")
    asked.add_argument("--into", type=Path, default=ROOT / "dist", help="folder of the archives")
    asked.add_argument("--fetch", action="store_true", help="only fetch the wheels")
    said = asked.parse_args()
    for python in said.python or PYTHONS:
        wheels = fetched(python)
        if not said.fetch:
            archive = bundle(python, wheels, said.into)
            print(f"{archive}  {archive.stat().st_size / 1e6:.0f} MB")
            print(f"sha256 {sha256(archive.read_bytes()).hexdigest()}")


def pins(python: str) -> str:
    """The part of ``requirements.lock`` that running on this Python takes, with its hashes."""
    environment = _environment(python)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [Requirement(text) for text in project["dependencies"]]
    wanted += [Requirement(text) for extra in EXTRAS for text in project["optional-dependencies"][extra]]
    names: set[str] = set()
    while wanted:
        requirement = wanted.pop()
        if not _applies(requirement, environment, ""):
            continue
        name = canonicalize_name(requirement.name)
        # An extra asks for more of a package that may be known already.
        new = {name, *(f"{name}[{extra}]" for extra in requirement.extras)} - names
        names |= new
        if new:
            wanted += _needs(requirement, environment)
    locked = dict(_locked(environment))
    return "".join(locked[name] for name in sorted(names) if "[" not in name)


def fetched(python: str) -> Path:
    """A folder with the wheels of ``pins(python)`` and pip; downloaded by the name of the package, once."""
    wanted = (ROOT / "deploy/bundle/pip.lock").read_text(encoding="utf-8") + pins(python)
    folder = CACHE / f"py{python.replace('.', '')}-{sha256(wanted.encode()).hexdigest()[:12]}"
    if folder.is_dir():
        return folder
    _have_pip()
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as room:
        (Path(room) / "wanted.txt").write_text(wanted, encoding="utf-8")
        glibcs = [f"manylinux_2_{n}_{ARCHITECTURE}" for n in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)]
        platforms = [*glibcs, *(f"manylinux{n}_{ARCHITECTURE}" for n in (2014, 2010, 1))]
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check"),
                *("--no-deps", "--require-hashes", "--only-binary=:all:"),
                *("--implementation=cp", f"--python-version={python}", f"--abi=cp{python.replace('.', '')}"),
                *(f"--platform={platform}" for platform in platforms),
                *(f"--requirement={room}/wanted.txt", f"--dest={room}/wheels"),
            ],
            check=True,
        )
        wheels = {canonicalize_name(file.name.split("-")[0]) for file in Path(room, "wheels").iterdir()}
        if missing := set(re.findall(r"^([a-z0-9.-]+)==", wanted, re.MULTILINE)) - wheels:
            sys.exit(f"no wheel came for {', '.join(sorted(missing))}")
        Path(room, "wheels").rename(folder)
    return folder


def bundle(python: str, wheels: Path, into: Path) -> Path:
    """Put the archive together; the same sources and wheels make the same archive."""
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as room:  # on one disk with the wheels: they need no copy
        ours = _our_wheel(Path(room))
        version = ours.name.split("-")[1]
        name = f"camera-registry-{version}-{SYSTEM}-py{python.replace('.', '')}"
        top = Path(room) / name
        shutil.copytree(ROOT / "deploy/bundle", top, ignore=shutil.ignore_patterns("pip.lock"))
        shutil.copytree(wheels, top / "wheelhouse", copy_function=os.link)
        shutil.move(ours, top / "wheelhouse")
        for file in BESIDE:
            shutil.copy(ROOT / file, top)
        (top / "docs").mkdir()
        for document in sorted((ROOT / "docs").glob("*.md")):
            shutil.copy(document, top / "docs")
        digest = sha256((top / "wheelhouse" / ours.name).read_bytes()).hexdigest()
        own = f"camera-registry=={version} --hash=sha256:{digest}\n"
        (top / "requirements.txt").write_text(pins(python) + own, encoding="utf-8")
        (top / "bundle.env").write_text(f"VERSION={version}\nPYTHON={python}\nMACHINE={ARCHITECTURE}\n")
        (top / "SHA256SUMS").write_text("".join(_sums(top)))
        archive = into / f"{name}.tar.gz"
        _pack(top, archive)
    return archive


def _environment(python: str) -> dict[str, str]:
    return default_environment() | {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_machine": ARCHITECTURE,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }


def _applies(requirement: Requirement, environment: Mapping[str, str], extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({**environment, "extra": extra})


def _needs(requirement: Requirement, environment: Mapping[str, str]) -> Iterator[Requirement]:
    try:
        needed = [Requirement(text) for text in requires(requirement.name) or ()]
    except PackageNotFoundError:  # of another Python alone: it is in the lock, and what it needs is, too
        return
    for need in needed:
        if any(_applies(need, environment, extra) for extra in ("", *requirement.extras)):
            need.marker = None
            yield need


def _locked(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Name and lines of each pin that holds in ``environment``, without its condition.

    pip would ask it of the Python that it runs on.
    """
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for lines in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE):
        if lines.strip():
            said, _, hashes = lines.partition("\\")
            pin = Requirement(said)
            if _applies(pin, environment, ""):
                yield canonicalize_name(pin.name), f"{pin.name}{pin.specifier} \\{hashes}"


def _have_pip() -> None:
    """An environment that uv made has no pip."""
    asked = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False)
    if asked.returncode:
        lock = ROOT / "deploy/bundle/pip.lock"
        subprocess.run(
            ["uv", "pip", "install", "--quiet", "--python", sys.executable, "--require-hashes", "-r", lock],
            check=True,
        )


def _our_wheel(into: Path) -> Path:
    argv = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(into)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1577836800"}  # any that ZIP can tell
    subprocess.run(argv, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
    (wheel,) = into.glob("*.whl")
    return wheel


def _sums(top: Path) -> Iterator[str]:
    for file in sorted(path for path in top.rglob("*") if path.is_file()):
        yield f"{sha256(file.read_bytes()).hexdigest()}  {file.relative_to(top)}\n"


def _pack(top: Path, archive: Path) -> None:
    def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = member.mtime = 0
        member.uname = member.gname = "root"
        member.mode = 0o755 if member.isdir() or member.name.endswith(".sh") else 0o644
        return member

    beside = archive.with_name(f".{archive.name}")
    with (
        beside.open("wb") as file,
        gzip.GzipFile("", "wb", 0, file, mtime=0) as packed,  # wheels are compressed already
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        tar.add(top, top.name, recursive=False, filter=anonymous)
        for path in sorted(top.rglob("*")):
            tar.add(path, path.relative_to(top.parent), recursive=False, filter=anonymous)
    beside.rename(archive)


main()
