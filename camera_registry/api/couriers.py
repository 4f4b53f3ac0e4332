"""Targets for the machine of a site, sealed, and the results that it brings; by the token of the site."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Request, Response

from camera_registry import couriers, ingest
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.whole_city import WholeCity
from camera_registry.auth.roles import Permission
from camera_registry.couriers import AnotherMachine, NotDelivered, TooOften
from camera_registry.credentials import CredentialError, CredentialStore
from camera_registry.ingest import Ingest
from camera_registry.push import sealing, wire
from camera_registry.push.wire import Malformed, Post, Receipt, Strange
from probes.result import ProbeResult

AGAIN_AFTER = {"Retry-After": "60"}

router = APIRouter(prefix="/api/v1")


@router.get("/targets", dependencies=[may(Permission.DELIVER), WholeCity])
def targets(
    desk: AtDesk, request: Request, machine: Annotated[str, Header(alias=wire.MACHINE, pattern=wire.NAMED)]
) -> Response:
    """The eyes that the machine is to ask now, sealed by its token (``push.sealing``); 304 where it has them.

    409 where the registry, or another machine, asks the site; 429 where they were fetched too often.
    """
    now, token = desk.now(), request.headers["authorization"].partition(" ")[2].strip()
    known = request.headers.get("if-none-match", "").strip('"')
    try:
        with desk.database.transaction() as session:
            site = couriers.delivered_site(session, _site_id(desk))
            couriers.claim(session, site, machine, now)
        with desk.database.reading() as session:
            version = couriers.version(session, now)
            if known.startswith(f"{version}."):
                return _unchanged(known)
            store = CredentialStore(desk.settings)
            bundle = couriers.bundle(session, store, desk.settings, site, now)
        name = sealing.name_of(token, wire.dump_bundle(bundle.lasting()))
        if known.endswith(f".{name}"):
            return _unchanged(f"{version}.{name}")
        with desk.database.transaction() as session:
            couriers.note_fetched(session, desk.actor, site, machine, len(bundle.eyes), now)
    except (NotDelivered, AnotherMachine) as refused:
        raise HTTPException(HTTPStatus.CONFLICT, str(refused)) from None
    except TooOften as refused:
        raise HTTPException(HTTPStatus.TOO_MANY_REQUESTS, str(refused), AGAIN_AFTER) from None
    except CredentialError as refused:
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, str(refused), AGAIN_AFTER) from None
    sealed = sealing.seal(token, wire.dump_bundle(bundle))
    headers = {"ETag": f'"{version}.{name}"'}
    return Response(sealed, headers=headers, media_type="application/octet-stream")


@router.post("/results", dependencies=[may(Permission.DELIVER), WholeCity])
def results(desk: AtDesk, told: Post) -> Response:
    """Take a batch of results, and that the site was heard. The same batch again changes nothing.

    What a machine found before another took its place is taken, too; it is told that it was displaced. 409
    where the registry asks the site itself.
    """
    if told.results and not told.key:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "A batch of results needs a key.")
    now, displaced = desk.now(), False
    read, malformed = _read(told)
    try:
        with desk.database.transaction() as session:
            site = couriers.delivered_site(session, _site_id(desk))
            couriers.take_post(session, site, told, now)
    except NotDelivered as refused:
        raise HTTPException(HTTPStatus.CONFLICT, str(refused)) from None
    except AnotherMachine:
        displaced = True
    with desk.database.reading() as session:
        site = couriers.delivered_site(session, _site_id(desk))
        own = couriers.eyes_of(session, site, {result.eye for result in read})
        version = couriers.version(session, now)
    # The beat stands before: what was found while the site was not heard is believed now that it is.
    done = _deliver(
        desk, couriers.delivery_key(_site_id(desk), told), [one for one in read if one.eye in own]
    )
    receipt = Receipt(
        now=now,
        version=version,
        displaced=displaced,
        repeated=done.repeated,
        taken=done.taken,
        late=done.late,
        refused=done.refused,
        held_back=done.held_back,
        unknown=sorted({result.eye for result in read} - own)[: wire.MOST_NAMED],
        malformed=malformed[: wire.MOST_NAMED],
    )
    return Response(receipt.model_dump_json(), media_type="application/json")


def _read(told: Post) -> tuple[list[ProbeResult], list[Malformed]]:
    read, malformed = [], []
    for place, each in enumerate(told.results):
        try:
            read.append(wire.read_result(each))
        except Strange as wrong:
            malformed.append(Malformed(place=place, reason=str(wrong)))
    return read, malformed


def _deliver(desk: Desk, key: str, brought: Sequence[ProbeResult]) -> ingest.Receipt:
    """As what a sweep of our own brings, counted and told to open pages."""
    if not brought:
        return ingest.Receipt()
    settings = desk.settings
    rules = ingest.rules(settings.confirm_after, settings.silence_factor, settings.lateness_days)
    done = Ingest(desk.database, rules, desk.now).deliver(key, brought)
    desk.counters.results_late.inc(done.refused)
    desk.counters.failures_held_back.inc(done.held_back)
    if not done.repeated:
        for verdict in (verdict for result in brought for verdict in result.verdicts):
            desk.counters.probes.labels(check=verdict.check.value, outcome=verdict.outcome.value).inc()
    desk.broadcaster.publish(done.changed.union(result.eye for result in brought))
    return done


def _site_id(desk: Desk) -> int:
    assert desk.identity is not None  # the route asks a permission that only tokens of a site have
    assert desk.identity.site_id is not None
    return desk.identity.site_id


def _unchanged(known: str) -> Response:
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": f'"{known}"'})
