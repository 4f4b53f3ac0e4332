"""A survey of simulated devices: what commissioning learns, what it costs them, what it never does."""

import logging
import traceback
from dataclasses import replace

import pytest

from probes.errors import ProbeError
from probes.logins import LoginOutcome
from probes.onvif.clock import UNREADABLE
from probes.onvif.conversation import LIMITS
from probes.onvif.survey import survey
from probes.reasons import Reason
from probes.result import Credential, Target
from probes.simulator.faces import (
    Auth,
    HttpSpec,
    KeepAlive,
    Malformed,
    Media,
    OnvifSpec,
    SnapshotUri,
    Token,
    XAddr,
)
from probes.web import Web
from tests.probes.climbing import Gate, now
from tests.probes.onvif.devices import PASSWORD, device
from tests.probes.web_server import Asked, Reply, reply, serving

PLAIN = HttpSpec(serial="SN-1")


async def test_everything_of_a_recorder() -> None:
    async with device(PLAIN, OnvifSpec(profile_g=True), channels=4) as asking:
        survey = await asking.survey()
    assert survey.identity.serial == "SN-1"
    assert [channel.channel for channel in survey.channels] == [1, 2, 3, 4]
    assert survey.channels[2].path == "/Streaming/Channels/301"
    assert survey.channels[2].sub_path == "/Streaming/Channels/302"
    assert survey.channels[2].snapshot_path == "/snapshot.jpg?channel=3"
    assert survey.summary is not None
    assert len(survey.recordings) == 4
    assert asking.counters.subscriptions == 0  # F006
    assert asking.counters.searches_open == 0  # F103
    assert asking.counters.logins_refused == 0


@pytest.mark.parametrize(
    ("onvif", "noted"),
    [
        pytest.param(OnvifSpec(window_s=5.0), set(), id="F009_strict_window"),
        pytest.param(OnvifSpec(z_only=True), set(), id="F014_z_only"),
        pytest.param(OnvifSpec(token=Token.HTTP), set(), id="F027_http_digest"),
        pytest.param(OnvifSpec(token=Token.DIGEST), set(), id="token_only"),
        pytest.param(OnvifSpec(xaddr=XAddr.NAT), {Reason.XADDR_REWRITTEN}, id="F015_nat"),
        pytest.param(OnvifSpec(xaddr=XAddr.DOUBLE_PORT), {Reason.XADDR_REWRITTEN}, id="F016_double_port"),
        pytest.param(OnvifSpec(services=False), set(), id="F024_no_get_services"),
        pytest.param(OnvifSpec(services=False, drop_unknown=True), set(), id="drops_unknown_operations"),
        pytest.param(OnvifSpec(media=(Media.MEDIA2,)), set(), id="F025_media2_only"),
        pytest.param(OnvifSpec(media=(Media.MEDIA1, Media.MEDIA2)), set(), id="both_media_services"),
        pytest.param(OnvifSpec(malformed=Malformed.BAD_UTF8), set(), id="F021_bad_utf8"),
        pytest.param(OnvifSpec(malformed=Malformed.NO_XMLNS), set(), id="F021_no_xmlns"),
        pytest.param(OnvifSpec(fault_status=200), set(), id="F022_faults_with_200"),
        pytest.param(OnvifSpec(fault_status=500), set(), id="F022_faults_with_500"),
        pytest.param(OnvifSpec(snapshot_uri=SnapshotUri.LOGIN), set(), id="F020_login_in_the_snapshot"),
    ],
)
async def test_what_is_read_of_odd_devices(onvif: OnvifSpec, noted: set[Reason]) -> None:
    async with device(replace(PLAIN, clock_s=10800.0), onvif) as asking:
        survey = await asking.survey()
        refused = asking.counters.logins_refused
    (channel,) = survey.channels
    assert (channel.path, channel.sub_path) == ("/Streaming/Channels/101", "/Streaming/Channels/102")
    assert channel.snapshot_path == "/snapshot.jpg?channel=1"
    assert survey.identity.serial == "SN-1"
    assert set(survey.notes) == noted
    assert refused == 0


@pytest.mark.parametrize("uri", [SnapshotUri.RTSP, SnapshotUri.FAULT, SnapshotUri.EMPTY])
async def test_a_device_without_a_snapshot(uri: SnapshotUri) -> None:
    async with device(PLAIN, OnvifSpec(snapshot_uri=uri)) as asking:
        survey = await asking.survey()
    assert survey.channels[0].snapshot_path is None  # F018, F019
    assert survey.channels[0].path is not None


@pytest.mark.parametrize("keep_alive", list(KeepAlive))
async def test_whatever_becomes_of_connections(keep_alive: KeepAlive) -> None:
    async with device(replace(PLAIN, keep_alive=keep_alive), OnvifSpec()) as asking:
        assert len((await asking.survey()).channels) == 1  # F023


@pytest.mark.parametrize("auth", [Auth.MD5, Auth.MD5_SESS, Auth.SHA256, Auth.SHA256_SESS])
async def test_the_digests_of_http(auth: Auth) -> None:
    async with device(replace(PLAIN, auth=(auth,)), OnvifSpec(token=Token.HTTP)) as asking:
        assert len((await asking.survey()).channels) == 1


async def test_over_tls() -> None:
    async with device(replace(PLAIN, tls=True), OnvifSpec()) as asking:
        survey = await asking.survey()
    assert survey.notes == (Reason.TLS_UNTRUSTED,)
    assert len(survey.channels) == 1


@pytest.mark.parametrize("token", [Token.HTTP, Token.DIGEST, Token.EITHER])
async def test_a_wrong_password_is_tried_once(token: Token) -> None:
    async with device(PLAIN, OnvifSpec(token=token)) as asking:
        for _ in range(3):
            with pytest.raises(ProbeError) as refused:
                await asking.survey("wrong")
            assert refused.value.reason is Reason.AUTH_REJECTED
        assert asking.counters.logins_refused == 1
        assert asking.gate.refused == 1


async def test_onvif_may_have_a_user_of_its_own() -> None:
    onvif = OnvifSpec(user="onvif-reader", password="another")  # F028
    async with device(PLAIN, onvif) as asking:
        asking.target = replace(asking.target, onvif_credential=Credential("c2", "onvif-reader", "another"))
        assert len((await asking.survey()).channels) == 1
        assert asking.counters.logins_refused == 0


async def test_a_user_who_may_watch_and_is_none_of_onvif_s() -> None:
    async with device(PLAIN, OnvifSpec(user="onvif-reader", password="another")) as asking:
        key = asking.target.login_key
        assert key is not None
        await asking.gate.reserve(key)
        await asking.gate.settle(key, LoginOutcome.ACCEPTED)  # the stream, a moment ago
        with pytest.raises(ProbeError) as refused:
            await asking.survey()
    assert refused.value.reason is Reason.AUTH_REJECTED  # F028


async def test_a_question_that_is_not_allowed_is_noted() -> None:
    def answering(asked: Asked) -> Reply:
        if b"GetDeviceInformation" in asked.body:
            return reply(403)
        if b"GetProfiles" in asked.body:
            return b""  # hangs up
        if b"GetCapabilities" in asked.body or b"GetServices" in asked.body:
            media = "<tt:Media><tt:XAddr>/media</tt:XAddr></tt:Media>"
            return reply(200, f"<Envelope><Body>{media}</Body></Envelope>".encode())
        return reply(400)

    web = Web()
    async with serving(answering) as server:
        target = Target(eye="E1", host="127.0.0.1", onvif_port=server.port)
        with pytest.raises(ProbeError) as raised:
            await survey(target, web, Gate(), UNREADABLE, now=now)
    await web.close()
    assert raised.value.reason is Reason.FORBIDDEN
    assert [asked.path for asked in server.asked].count("/media") == 2  # once more: no byte of an answer came


async def test_one_operation_that_hangs_costs_what_it_tells() -> None:
    async with device(PLAIN, OnvifSpec(hang=("GetSnapshotUri",))) as asking:
        asking.limits = replace(LIMITS, first_byte_s=0.3)
        survey = await asking.survey()
    assert survey.channels[0].path == "/Streaming/Channels/101"
    assert survey.channels[0].snapshot_path is None
    assert survey.notes == (Reason.ONVIF_TIMEOUT,)  # F004


@pytest.mark.parametrize(
    ("malformed", "reason"),
    [
        pytest.param(Malformed.ENTITIES, Reason.ONVIF_MALFORMED, id="entity_bomb"),
        pytest.param(Malformed.CUT, Reason.ONVIF_MALFORMED, id="cut"),
        pytest.param(Malformed.ENDLESS, Reason.ONVIF_HTTP_ERROR, id="endless"),
    ],
)
async def test_answers_that_cannot_be_read(malformed: Malformed, reason: Reason) -> None:
    async with device(PLAIN, OnvifSpec(malformed=malformed)) as asking:
        with pytest.raises(ProbeError) as raised:
            await asking.survey()
        assert raised.value.reason is reason
        assert PASSWORD not in str(raised.value)


@pytest.mark.parametrize("password", [PASSWORD, "wr0ng&<canary>"])
@pytest.mark.parametrize("token", [Token.HTTP, Token.DIGEST])
async def test_no_password_shows_anywhere(
    password: str, token: Token, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = ""
    async with device(PLAIN, OnvifSpec(token=token, profile_g=True)) as asking:
        try:
            said = repr(await asking.survey(password))
        except ProbeError as error:
            said = "".join(traceback.format_exception(error))
        said += repr(asking.target)
    assert said
    for shown in (said, caplog.text):
        assert password not in shown
        assert "PasswordDigest" not in shown
