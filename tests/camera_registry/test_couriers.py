"""What the machine of a site is given, what it may bring, and what nobody else is given."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select, update

from camera_registry import models, own_health, sites
from camera_registry.auth import tokens
from camera_registry.auth.roles import Permission, Role
from camera_registry.couriers import HELD_FOR, MOST_FETCHES
from camera_registry.db import Database
from camera_registry.push import sealing, wire
from camera_registry.push.wire import dump_result
from probes.logins import LoginState, Status
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth, Measured, Memory, Mode, ProbeResult, Rung, Sight, Step, Verdict
from probes.simulator.fleet import Fleet
from probes.simulator.simulator import Simulator
from tests.camera_registry.couriers import CLERK, FIRST, SECOND, Registry, found, ledger
from tests.camera_registry.watching import NOON, PASSWORD, Clock, camera
from tests.dashboards.serving import signed_in

FLEET = Fleet((camera("c"), camera("d", host="127.0.0.2")))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def registry(database: Database, tmp_path: Path, clock: Clock) -> AsyncIterator[Registry]:
    async with Simulator(FLEET) as sim:
        yield found(database, tmp_path, sim, clock)


def result(eye: str = "c-1", after_s: float = 0, outcome: Outcome = Outcome.OK) -> ProbeResult:
    reason = Reason.OK if outcome is Outcome.OK else Reason.TCP_TIMEOUT
    verdict = Verdict(Check.STREAM, outcome, reason, 60.0)
    at = NOON + timedelta(seconds=after_s)
    return ProbeResult(eye, at, Depth.LIVENESS, 0.5, (verdict,), Memory(probe_s=0.5))


def as_json(*results: ProbeResult) -> list[dict[str, Any]]:
    return [orjson.loads(dump_result(each)) for each in results]


def batch(key: str, *results: ProbeResult) -> dict[str, Any]:
    return {"key": key * 32, "results": as_json(*results)}


# --- who is given what ------------------------------------------------------------------------------


async def test_the_targets_are_of_the_site_and_sealed(registry: Registry) -> None:
    answer = registry.fetch()
    assert answer.status_code == 200
    assert PASSWORD.encode() not in answer.content
    assert b"/live" not in answer.content, "nothing of them stands in clear"
    bundle = wire.read_bundle(sealing.unseal(registry.token, answer.content))
    assert [eye.target.eye for eye in bundle.eyes] == ["c-1", "d-1"]
    credential = bundle.eyes[0].target.credential
    assert credential is not None
    assert credential.password == PASSWORD
    assert PASSWORD not in repr(bundle)
    with pytest.raises(sealing.NotOpened):
        sealing.unseal(registry.other, answer.content)
    none = registry.fetch(registry.other)
    assert wire.read_bundle(sealing.unseal(registry.other, none.content)).eyes == ()


async def test_who_fetches_is_written_down(registry: Registry) -> None:
    registry.fetch()
    with registry.database.reading() as session:
        row = session.scalars(select(models.Audit).where(models.Audit.action == "targets_fetched")).one()
        assert (row.who, row.subject) == ("an", "site:S1")
        assert row.detail == {"machine": FIRST[:8], "eyes": 2}
        assert "(token 1)" in row.origin


async def test_a_token_of_a_site_does_nothing_else(registry: Registry) -> None:
    client = registry.client()
    for path in ("/api/v1/eyes", "/api/v1/incidents", "/api/v1/units", "/api/v1/totals"):
        assert client.get(path).status_code in (401, 403), path
    with registry.database.reading() as session:
        row = tokens.of_owner(session)[2]
        assert (row.site, row.permissions) == ("S1", (Permission.DELIVER,))


@pytest.mark.parametrize("whose", ["plain", "nobody", "revoked", "expired"])
async def test_others_are_refused(registry: Registry, clock: Clock, whose: str) -> None:
    token = {"plain": registry.plain, "nobody": "crt_nobody"}.get(whose, registry.token)
    if whose == "revoked":
        with registry.database.transaction() as session:
            tokens.revoke(session, CLERK, "an", 1, clock())
    elif whose == "expired":
        clock.advance(366 * 86_400)
    expected = 403 if whose == "plain" else 401
    assert registry.fetch(token).status_code == expected
    assert registry.post(batch("a", result()), token).status_code == expected
    assert ledger(registry.database, "c-1") == []


async def test_only_who_changes_the_whole_registry_makes_one(registry: Registry, clock: Clock) -> None:
    with registry.database.transaction() as session:
        for name, role, everywhere in (("w", "operator", False), ("f", "finance", True)):
            made = models.User(name=name, role=role, everywhere=everywhere, made_at=NOON, made_by="tests")
            session.add(made)
            session.flush()
            with pytest.raises(tokens.TokenError):
                tokens.make(session, CLERK, name, "x", (), clock(), site="S1")
        with pytest.raises(tokens.TokenError, match="deliver"):
            tokens.make(session, CLERK, "an", "x", [Permission.DELIVER], clock())
        with pytest.raises(tokens.TokenError, match="view"):
            tokens.make(session, CLERK, "an", "x", [Permission.VIEW], clock(), site="S1")
        sites.set_delivered(session, CLERK, clock(), "S1", False)
        with pytest.raises(tokens.TokenError, match="itself"):
            tokens.make(session, CLERK, "an", "x", (), clock(), site="S1")
    assert registry.fetch().status_code == 409, "the registry asks it itself again"
    assert registry.post(batch("a", result())).status_code == 409


async def test_it_is_made_on_the_page_of_tokens(registry: Registry) -> None:
    browser = signed_in(registry.web)
    assert "<option>S1</option>" in browser.get("/account/tokens").text
    told = {"name": "PC", "permissions": ["view"], "site": "S1"}
    token = re.search(r"crt_[\w-]{40,}", browser.post("/account/tokens", data=told).text)
    assert token is not None
    assert registry.fetch(token[0]).status_code == 200
    assert registry.client(token[0]).get("/api/v1/totals").status_code == 403, "whatever was ticked"
    ward_officer = signed_in(registry.web, Role.WARD_OFFICER, ["u-1"])
    assert "S1" not in ward_officer.get("/account/tokens").text
    assert "crt_" not in ward_officer.post("/account/tokens", data=told).text.replace("crt_…", "")


async def test_an_owner_who_may_no_more_ends_it(registry: Registry) -> None:
    with registry.database.transaction() as session:
        session.execute(update(models.User).where(models.User.name == "an").values(role="finance"))
    assert registry.fetch().status_code == 403


async def test_what_has_not_changed_is_not_sent_again(registry: Registry, clock: Clock) -> None:
    name = registry.fetch().headers["etag"]
    assert registry.fetch(known=name).status_code == 304
    registry.post(batch("a", result()))
    clock.advance(600)
    same = registry.fetch(known=name)
    assert same.status_code == 304, "what a probe learned is no change, nor that time goes by"
    assert same.headers["etag"] != name, "its name has the calendar in it"
    with registry.database.transaction() as session:
        session.execute(update(models.Eye).where(models.Eye.code == "d-1").values(retired_at=clock()))
    changed = registry.fetch(known=same.headers["etag"])
    assert changed.status_code == 200
    bundle = wire.read_bundle(sealing.unseal(registry.token, changed.content))
    assert [eye.target.eye for eye in bundle.eyes] == ["c-1"]
    assert bundle.eyes[0].target.memory.probe_s == 0.5
    with registry.database.reading() as session:
        fetched = select(models.Audit).where(models.Audit.action == "targets_fetched")
        assert len(session.scalars(fetched).all()) == 2


async def test_the_end_of_access_is_known_to_who_may_be_cut_off_by_then(registry: Registry) -> None:
    with registry.database.transaction() as session:
        session.execute(update(models.Eye).where(models.Eye.code == "d-1").values(access_until=NOON.date()))
    bundle = wire.read_bundle(sealing.unseal(registry.token, registry.fetch().content))
    assert [eye.until for eye in bundle.eyes] == [None, NOON + timedelta(hours=5)], "midnight in Viet Nam"


async def test_nobody_fetches_without_end(registry: Registry, clock: Clock) -> None:
    answers = [registry.fetch().status_code for _ in range(MOST_FETCHES + 1)]
    assert answers == [200] * MOST_FETCHES + [429]
    clock.advance(601)
    assert registry.fetch().status_code == 200


async def test_of_two_machines_one_asks(registry: Registry, clock: Clock) -> None:
    assert registry.fetch().status_code == 200
    assert registry.fetch(machine=SECOND).status_code == 409
    late = registry.post(batch("a", result()), machine=SECOND).json()
    assert (late["displaced"], late["taken"]) == (True, 1), "what it saw is seen"
    clock.advance(HELD_FOR.total_seconds())
    assert registry.fetch(machine=SECOND).status_code == 200, "the first was not heard any more"
    assert registry.post({}).json()["displaced"] is True
    assert registry.fetch().status_code == 409


# --- what is brought --------------------------------------------------------------------------------


async def test_results_are_judged_once(registry: Registry, clock: Clock) -> None:
    clock.advance(30)
    told = batch("a", result(), result("d-1", 1))
    first = registry.post(told).json()
    assert (first["taken"], first["repeated"], first["unknown"]) == (2, False, [])
    before = ledger(registry.database, "c-1")
    assert [(state, reason) for _, state, reason in before] == [("up", "OK")]
    again = registry.post(told).json()
    assert (again["taken"], again["repeated"]) == (0, True)
    registry.post(told | {"key": "b" * 32})
    assert ledger(registry.database, "c-1") == before


async def test_only_eyes_of_the_site_are_taken(registry: Registry) -> None:
    answer = registry.post(batch("a", result(), result("nobody-1"))).json()
    assert (answer["taken"], answer["unknown"]) == (1, ["nobody-1"])
    other = registry.post(batch("b", result()), registry.other).json()
    assert (other["taken"], other["unknown"]) == (0, ["c-1"]), "another site's eye is as good as none"


GOOD = as_json(result())[0]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"at": "2026-09-01T12:00:00"}, id="no offset"),
        pytest.param({"at": "0001-01-01T00:00:00Z"}, id="before Christ nearly"),
        pytest.param({"seconds": 1e300}, id="a figure beyond any"),
        pytest.param({"seconds": None}, id="no figure"),
        pytest.param({"depth": "bottomless"}, id="unknown slug"),
        pytest.param({"verdicts": []}, id="no verdict"),
        pytest.param({"verdicts": GOOD["verdicts"] * 2}, id="two verdicts on one check"),
        pytest.param({"verdicts": [GOOD["verdicts"][0] | {"interval_s": 1e9}]}, id="no such interval"),
        pytest.param({"notes": ["OK"] * 33}, id="too many notes"),
        pytest.param({"rungs": [{"step": "tcp", "seconds": 1, "detail": "x" * 501}]}, id="long text"),
        pytest.param({"rungs": [{"step": "tcp", "seconds": 1, "detail": "\0"}]}, id="NUL"),
        pytest.param({"media": {"codec": "H264", "width": 2**40}}, id="a number no column takes"),
        pytest.param({"picture": "AAAA"}, id="a picture"),
        pytest.param({"transcript": "DESCRIBE"}, id="a transcript"),
        pytest.param({"surprise": 1}, id="unknown field"),
        pytest.param({"eye": 2**70}, id="a number beyond 64 bits"),
    ],
)
def test_what_no_probe_says_is_no_result(wrong: dict[str, Any]) -> None:
    with pytest.raises(wire.Strange):
        wire.read_result(GOOD | wrong)


def test_a_result_comes_as_it_was_sent() -> None:
    sight = Sight(640, 360, Mode.COLOUR, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 2**64 - 1, bytes(range(256)))
    sent = replace(result(), measured=Measured(sight=sight), rungs=(Rung(Step.TCP, 0.1),))
    came = wire.read_result(as_json(replace(sent, picture=b"jpeg", transcript="DESCRIBE"))[0])
    assert came == sent
    assert came.measured.sight is not None
    assert came.measured.sight.edges == sight.edges
    assert (came.picture, came.transcript) == (None, "")


async def test_a_malformed_result_holds_up_no_other(registry: Registry) -> None:
    told = {"key": "a" * 32, "results": [GOOD | {"surprise": 1}, *as_json(result("d-1"))]}
    answer = registry.post(told)
    assert answer.status_code == 200, answer.text
    assert answer.json()["taken"] == 1
    assert [each["place"] for each in answer.json()["malformed"]] == [0]
    assert ledger(registry.database, "c-1") == []


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"results": [{}] * (wire.MOST_RESULTS + 1), "key": "a" * 32}, id="too many"),
        pytest.param({"results": [GOOD]}, id="no key"),
        pytest.param({"every_s": 0}, id="too quick"),
        pytest.param({"machine": "x"}, id="no name of a machine"),
        pytest.param({"surprise": 1}, id="unknown field"),
    ],
)
async def test_a_malformed_post_is_refused(registry: Registry, wrong: dict[str, Any]) -> None:
    assert registry.post(wrong).status_code == 422
    assert registry.client().post(wire.RESULTS, content=b"x" * 1_100_000).status_code == 413


async def test_logins_and_paces_are_kept_for_the_next_machine(registry: Registry, clock: Clock) -> None:
    bundle = wire.read_bundle(sealing.unseal(registry.token, registry.fetch().content))
    target = bundle.eyes[0].target
    assert target.credential is not None
    refused = LoginState(Status.REJECTED, rejected_at=(NOON,), not_before=NOON + timedelta(minutes=35))
    login = wire.KnownLogin(target.device, target.credential.id, refused)
    stranger = wire.KnownLogin("10.0.0.1:554", target.credential.id, refused)
    told = {
        "logins": orjson.loads(orjson.dumps([login, stranger])),
        "paces": [{"device": target.device, "effective_interval_s": 180.0, "probe_s": 2.5}],
    }
    assert registry.post(told).status_code == 200
    clock.advance(HELD_FOR.total_seconds())
    answer = registry.fetch(machine=SECOND)
    assert wire.read_bundle(sealing.unseal(registry.token, answer.content)).logins == (login,)
    with registry.database.reading() as session:
        assert session.scalars(select(models.LoginBudget.device)).all() == [target.device]
        pace = session.scalars(select(models.DevicePace)).one()
        assert (pace.effective_interval_s, pace.probe_s) == (180.0, 2.5)


# --- the site is heard by its posts -----------------------------------------------------------------


async def test_a_machine_that_falls_silent_makes_its_site_lost(registry: Registry, clock: Clock) -> None:
    def lost() -> bool:
        with registry.database.reading() as session:
            return own_health.heard(session, clock())[0].lost

    registry.post(batch("a", result()))
    clock.advance(60)
    assert not lost()
    clock.advance(11)
    assert lost()
    registry.post({"bears": False})
    assert lost(), "its own line is cut: that is no beat"
    registry.post({})
    assert not lost()


async def test_what_comes_late_is_judged_at_its_own_time(registry: Registry, clock: Clock) -> None:
    """T15: cut off for six hours, in which one eye fails for half an hour; delivered afterwards."""
    registry.post(batch("a", result(), result("d-1")))
    minutes = range(1, 361)
    down = range(100, 130)
    told = [
        [
            result("c-1", 60 * n),
            result("d-1", 60 * n, Outcome.FAILING if n in down else Outcome.OK),
        ]
        for n in minutes
    ]
    flat = [each for pair in told for each in pair]
    clock.advance(360 * 60 + 5)
    taken = 0
    for number, first in enumerate(range(0, len(flat), wire.MOST_RESULTS)):
        some = flat[first : first + wire.MOST_RESULTS]
        told_again = {"key": f"{number:032x}", "results": as_json(*some)}
        taken += registry.post(told_again).json()["taken"]
        registry.post(told_again)
    assert taken == 720
    assert [state for _, state, _ in ledger(registry.database, "c-1")] == ["up"], "no outage is invented"
    at = [NOON + timedelta(minutes=n) for n in (0, 100, 130)]
    assert [(when, state) for when, state, _ in ledger(registry.database, "d-1")] == list(
        zip(at, ["up", "down", "up"], strict=True)
    )
