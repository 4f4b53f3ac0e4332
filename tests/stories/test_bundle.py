"""Day one offline: the bundle is installed on a machine without a network, serves, is upgraded and restored.

The machine is this one, seen through namespaces: a network with loopback only, its own ``/etc``, ``/opt`` and
``/var``, no checkout and no systemd. The program runs as its unit says, by the system's own Python.
"""

import configparser
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.namespaces import inside, namespace
from tests.servers import says_ready, started

ROOT = Path(__file__).parent.parent.parent
OWN = ("/opt", "/var/lib", "/var/backups", "/usr/local", "/run")  # empty on the new machine
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# What a person's shell may have set: nothing of it may reach the installation.
HOSTILE = {"PATH": PATH, "PYTHONPATH": str(ROOT), "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "LANG": "C"}
INSTALL_S = 240
LINK = re.compile(r"http://127\.0\.0\.1:8000/sign-in/link/[\w-]{43}")
DATA, PROGRAMS = "/var/lib/camera-registry", "/opt/camera-registry"
KEY = f"{DATA}/credential.key"
REGISTRY = "/usr/local/bin/camera-registry"
SETTINGS = "/etc/camera-registry/settings.toml"
BACKUPS = "/var/backups/camera-registry"
# Stands for the systemd that no namespace has: all is well, and what it was asked is written down.
SYSTEMCTL = '#!/bin/sh\\necho "$1" >>/run/asked\\n'


@dataclass(frozen=True, slots=True)
class Machine:
    """A new machine, and the bundle that somebody has carried there and unpacked."""

    network: str
    pid: int
    bundle: Path

    def argv(self, *words: str) -> list[str]:
        return ["nsenter", f"--target={self.pid}", "--mount", "--net", "--", *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*words), env=HOSTILE, capture_output=True, text=True, check=False, timeout=INSTALL_S
        )

    def done(self, *words: str) -> str:
        """What a command says that must end well."""
        done = self.run(*words)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def install(self, *options: str) -> str:
        return self.done("sh", f"{self.bundle}/install.sh", *options)

    def get(self, path: str) -> str:
        def ask() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:8000{path}", timeout=20) as answer:
                text: str = answer.read().decode()
            return text

        return inside(self.network, ask)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle for the system's Python, as ``make bundle`` makes it, unpacked."""
    asked = ["/usr/bin/python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    python = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    into = tmp_path_factory.mktemp("bundle")
    argv: Sequence[str | Path] = [
        sys.executable,
        ROOT / "tools/bundle.py",
        "--python",
        python,
        "--into",
        into,
    ]
    subprocess.run(argv, check=True, capture_output=True)
    (archive,) = into.glob("camera-registry-*.tar.gz")
    subprocess.run(["tar", "-xzf", archive, "-C", into], check=True)
    archive.unlink()
    return next(into.glob("camera-registry-*"))


@contextmanager
def machine_with(bundle: Path, room: Path) -> Iterator[Machine]:
    mounts = []
    for place in OWN:
        (room / place.strip("/")).mkdir(parents=True)
        mounts.append(f"mount --bind {room}{place} {place}")
    shutil.copytree("/etc", room / "etc", symlinks=True)
    mounts += [f"mount --bind {room}/etc /etc", f"mount -t tmpfs none {ROOT}", "mkdir -p /usr/local/bin"]
    script = " && ".join([*mounts, "echo READY", "exec sleep infinity"])
    with namespace() as network:
        argv = [
            "ip",
            "netns",
            "exec",
            network,
            "unshare",
            "--mount",
            "--propagation=private",
            "sh",
            "-c",
            script,
        ]
        with started(argv, log=room / "log", ready=says_ready, cwd=Path("/")) as holder:
            yield Machine(network, holder.pid, bundle)


@pytest.fixture(scope="module")
def machine(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine_with(bundle, tmp_path_factory.mktemp("machine")) as made:
        yield made


@contextmanager
def served(machine: Machine, log: Path) -> Iterator[str]:
    """The service as its unit starts it; gives the first administrator's link."""
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # names of systemd have capitals
    unit.read_string(machine.done("cat", "/etc/systemd/system/camera-registry.service"))
    service = unit["Service"]
    program = service["ExecStart"].replace("$SERVE_OPTIONS", "").split()
    argv = machine.argv(
        *("setpriv", f"--reuid={service['User']}", f"--regid={service['Group']}", "--init-groups"),
        *("--no-new-privs", "--bounding-set=-all", "env", "-i", service["Environment"], *program),
    )
    with started(argv, log=log, ready=lambda said: LINK.search(said) is not None):
        found = LINK.search(log.read_text())
        assert found is not None
        yield found[0]


@pytest.mark.timeout(400)
def test_day_one(machine: Machine, tmp_path: Path) -> None:
    machine.install("--program-only")
    assert "Usage" in machine.done(f"{PROGRAMS}/bin/camera-registry", "push", "--help")
    assert machine.run("test", "-e", DATA).returncode == 1

    said = machine.install()

    assert f"COPY THE KEY NOW\n  *\n  *      {KEY}" in said
    assert "There is no systemd here" in said
    owned = machine.done(
        "stat", "--format=%n %U %a", DATA, KEY, f"{DATA}/registry.db", "/etc/camera-registry"
    )
    assert owned.splitlines() == [
        f"{DATA} camera-registry 700",
        f"{KEY} camera-registry 600",
        f"{DATA}/registry.db camera-registry 644",
        "/etc/camera-registry root 750",
    ]
    with served(machine, tmp_path / "log") as link:
        assert "ok" in machine.get("/healthz")
        assert "<form" in machine.get(link.removeprefix("http://127.0.0.1:8000"))
    machine.done(REGISTRY, "units", "load", "yen-bai")
    assert "Nam Cường" in machine.done(REGISTRY, "units", "list")


def test_installed_again_nothing_is_lost(machine: Machine) -> None:
    before = machine.done("sha256sum", KEY)
    machine.done("sh", "-c", f"echo '# ours' >> {SETTINGS}")
    said = machine.install()
    assert "COPY THE KEY" not in said
    assert machine.done("sha256sum", KEY) == before
    assert "# ours" in machine.done("cat", SETTINGS)
    assert machine.done("find", BACKUPS, "-type", "f") == ""


def test_a_run_that_fails_leaves_the_service_running(machine: Machine) -> None:
    machine.done("sh", "-c", "mkdir -p /run/systemd/system /usr/local/sbin")
    machine.done(
        "sh", "-c", f"printf '{SYSTEMCTL}' > /usr/local/sbin/systemctl && chmod +x /usr/local/sbin/systemctl"
    )
    machine.done("sh", "-c", f"cp {SETTINGS} /run && echo nonsense >> {SETTINGS}")
    failed = machine.run("sh", f"{machine.bundle}/install.sh")
    machine.done("sh", "-c", f"cat /run/settings.toml > {SETTINGS}")
    machine.done("rm", "-r", "/run/systemd", "/usr/local/sbin/systemctl")
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert machine.done("cat", "/run/asked").split() == ["is-active", "stop", "start"], failed.stderr


@pytest.mark.timeout(240)
def test_an_upgrade_backs_up_first_and_a_new_machine_is_restored_from_it(machine: Machine) -> None:
    ours = machine.done("readlink", f"{PROGRAMS}/current").strip()
    machine.done("ln", "-s", ours, f"{PROGRAMS}/0.0.9")  # as if an earlier one were in use
    machine.done("ln", "-sfn", f"{PROGRAMS}/0.0.9", f"{PROGRAMS}/current")
    machine.install()
    assert machine.done("readlink", f"{PROGRAMS}/current").strip() == ours
    (backup,) = machine.done("find", BACKUPS, "-type", "f").split()
    assert "/before-" in backup

    # The disk is lost; what had been carried away is there.
    machine.done("sh", "-c", f"cp {KEY} {backup} /run && rm -r {DATA} {BACKUPS}")
    carried = f"/run/{Path(backup).name}"
    machine.done("sh", "-c", f"mkdir {BACKUPS} && echo older > {backup}")
    machine.done("sh", "-c", "echo damaged > /run/damaged.zip")
    damaged = machine.run("sh", f"{machine.bundle}/install.sh", "--restore", "/run/damaged.zip")
    assert (damaged.returncode, machine.done("ls", "-A", DATA)) == (1, ""), damaged.stderr
    said = machine.install("--restore", carried, "--key", "/run/credential.key")
    assert "COPY THE KEY" not in said
    assert machine.done("cat", backup) == "older\n", "what is there keeps its name"
    assert machine.done("ls", "-A", BACKUPS).split() == [Path(backup).name]
    assert "Nam Cường" in machine.done(REGISTRY, "units", "list")
    assert "✗" not in machine.done(REGISTRY, "doctor")
    again = machine.run("sh", f"{machine.bundle}/install.sh", "--restore", carried)
    assert again.returncode == 1
    assert "there is a registry" in again.stderr


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        pytest.param("echo PYTHON=3.99 >> bundle.env", "this bundle needs Python 3.99", id="python"),
        pytest.param("echo MACHINE=riscv64 >> bundle.env", "this bundle is for Linux riscv64", id="machine"),
        pytest.param(
            "for f in wheelhouse/typer-*; do echo >> $f; done",
            "the bundle was damaged on its way",
            id="damaged",
        ),
        pytest.param("rm wheelhouse/typer-*.whl", "the bundle was damaged on its way", id="incomplete"),
    ],
)
def test_what_cannot_be_installed_changes_nothing(
    machine: Machine, tmp_path: Path, damage: str, why: str
) -> None:
    copied = tmp_path / "copy"
    shutil.copytree(machine.bundle, copied, copy_function=lambda a, b: Path(b).hardlink_to(a))
    (copied / "bundle.env").unlink()
    shutil.copy(machine.bundle / "bundle.env", copied)
    (wheel,) = copied.glob("wheelhouse/typer-*.whl")
    wheel.unlink()
    shutil.copy(next(machine.bundle.glob("wheelhouse/typer-*.whl")), wheel)
    subprocess.run(["sh", "-c", damage], cwd=copied, check=True)
    before = machine.done("sh", "-c", "find /opt /etc /usr/local /var | sort")
    done = machine.run("sh", f"{copied}/install.sh")
    assert (done.returncode, why in done.stderr) == (1, True), done.stderr
    assert machine.done("sh", "-c", "find /opt /etc /usr/local /var | sort") == before
