"""The front door: the first administrator's link, TLS, and the people that a terminal lets in."""

import re
import ssl
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPSHandler, OpenerDirector, Request, build_opener

import pytest

from tests.certificates import make_certificate
from tests.servers import started
from tests.stories.programs import PROGRAM, Home

LINK = re.compile(r"https?://\S+/sign-in/link/[\w-]{43}")


def browser_that_trusts(cert: Path) -> OpenerDirector:
    context = ssl.create_default_context(cafile=str(cert))
    return build_opener(HTTPSHandler(context=context), HTTPCookieProcessor(CookieJar()))


def send(browser: OpenerDirector, address: str, **form: str) -> str:
    request = Request(address, urlencode(form).encode(), headers={"Sec-Fetch-Site": "same-origin"})  # noqa: S310 our own child on loopback
    with browser.open(request, timeout=20) as answer:
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
        text: str = answer.read().decode()
    return text


def test_a_new_registry_over_tls(home: Home) -> None:
    cert, key = make_certificate(home.folder)
    log, password = home.folder / "serve.log", "con đường ra bờ sông"
    words: list[str | Path] = [PROGRAM, "serve", "--port", "0", "--tls-cert", cert, "--tls-key", key]

    def says_a_link(said: str) -> bool:
        return LINK.search(said) is not None

    with started(words, log=log, ready=says_a_link, env=home.env, cwd=home.folder):
        link = LINK.findall(log.read_text())[0]
        browser = browser_that_trusts(cert)
        assert link.startswith("https://127.0.0.1:")
        assert "Tài khoản của tôi" in send(browser, link, next="/account")
        form = f"{link.partition('/sign-in')[0]}/account/password"
        assert "Đã đặt mật khẩu" in send(browser, form, chosen=password, again=password)
    with home.serve("again") as served:
        assert not says_a_link(served.said()), "somebody can let others in"
    said = log.read_text() + (home.folder / "again.log").read_text()
    assert password not in said


@pytest.mark.parametrize(
    ("files", "said"),
    [
        pytest.param(["--tls-cert", "nothing.pem"], "--tls-key", id="half"),
        pytest.param(
            ["--tls-cert", "nothing.pem", "--tls-key", "nothing.pem"], "không có tệp", id="no files"
        ),
    ],
)
def test_a_certificate_that_cannot_be_used(home: Home, files: list[str], said: str) -> None:
    refused = home.run("serve", *files)
    assert refused.returncode == 1
    assert said in refused.stderr
