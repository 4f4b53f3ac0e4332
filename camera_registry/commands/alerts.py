"""``alerts``: channels, who hears what over them, and what was told."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from camera_registry import deeds
from camera_registry.alerts import (
    channels,
    outbox,
    policy_words,
    reading,
    replies,
    subscribing,
    switched_on,
    trying,
)
from camera_registry.alerts.channels import ADDRESSED, Kind
from camera_registry.alerts.outbox import State
from camera_registry.alerts.reading import MessageRow, SubscriptionRow, Wanted
from camera_registry.alerts.subscribing import Of
from camera_registry.commands import alert_preview
from camera_registry.commands.common import Refused, command, err, foreign, now, out, read_secret, say
from camera_registry.commands.policy_files import PolicyFile, read_policy
from camera_registry.commands.storage import actor, changing, open_credentials, open_database
from camera_registry.i18n import LANGUAGES, N_, Language, stamp, translate
from camera_registry.settings import Settings
from camera_registry.units import Scope, UnitTree

EVERYTHING = Scope.everything()
MOST_LISTED = 1_000  # messages

alerts_app = typer.Typer(no_args_is_help=True, help="Who hears of incidents, and what was told.")

Channel = Annotated[int, typer.Argument(metavar="CHANNEL", help="Number of the channel.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="Number of the subscription.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept.")]
AddressFile = Annotated[
    Path | None,
    typer.Option(help="File with the address, - for standard input; an argument could be seen by others."),
]


def add_to(app: typer.Typer) -> None:
    alerts_app.command("preview")(alert_preview.preview)
    app.add_typer(alerts_app, name="alerts")


# --- channels ---------------------------------------------------------------------------------------


@alerts_app.command("channels")
def list_channels() -> None:
    """List the channels and how each does; of an address, as much as people may read."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        heads = (N_("No."), N_("Name"), N_("Kind of channel"), N_("Whose"), N_("Address"), N_("How it does"))
        table = _table(loaded, *heads, N_("Subscriptions"), N_("Waiting"), N_("Not deliverable"))
        for row in reading.channels(session, EVERYTHING, now(), _today(loaded)):
            kind = translate(deeds.CHANNELS[row.kind], loaded.language)
            owner = row.unit or translate(N_("City desk"), loaded.language)
            table.add_row(
                *(str(row.id), foreign(row.name), kind, owner, foreign(row.shown)),
                foreign(_health(row, loaded)),
                *(str(row.subscriptions), str(row.waiting), str(row.dead)),
            )
        out.print(table)


@alerts_app.command("add-channel")
def add_channel(
    name: Annotated[str, typer.Argument(help="As people call it.")],
    kind: Annotated[Kind, typer.Option(help="How it speaks.")],
    reason: Reason,
    unit: Annotated[str, typer.Option(help="Whose it is: a unit; the city desk's without it.")] = "",
    language: Annotated[str, typer.Option(help=f"One of {', '.join(LANGUAGES)}.")] = LANGUAGES[0],
    address_file: AddressFile = None,
) -> None:
    """Make a channel. Of a webhook, the secret that signs its requests is printed, once."""
    with command() as loaded, open_database(loaded) as database:
        store = open_credentials(loaded, database)
        address = read_secret(address_file, loaded, N_("Address")) if kind in ADDRESSED else ""
        with database.transaction() as session:
            tree, day = UnitTree.load(session), _today(loaded)
            made = channels.add(
                *(session, store, actor(), now()),
                name=name,
                kind=kind,
                unit_id=tree.resolve(unit, day).id if unit else None,
                language=language,
                address=address,
                reason=reason,
                networks=loaded.webhook_networks,
            )
        say(loaded, N_('The channel "{name}" has No. {id}.'), name=name, id=made.id)
        if why := switched_on.lacking(loaded).get(kind):
            err.print(translate(why, loaded.language), style="yellow", markup=False)
        if made.secret:
            text = translate(
                N_("The secret that signs its requests; it is not shown again:"), loaded.language
            )
            err.print(text, style="yellow", markup=False)
            typer.echo(made.secret)


@alerts_app.command("change-channel")
def change_channel(
    channel: Channel,
    reason: Reason,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    language: Annotated[str | None, typer.Option(help="Another language.")] = None,
    address_file: AddressFile = None,
) -> None:
    """Give a channel another name, language or address. What is not named stays."""
    with command() as loaded, open_database(loaded) as database:
        store = open_credentials(loaded, database)
        address = None if address_file is None else read_secret(address_file, loaded, N_("Address"))
        with database.transaction() as session:
            channels.change(
                *(session, store, actor(), now(), channel),
                name=name,
                language=language,
                address=address,
                reason=reason,
                networks=loaded.webhook_networks,
            )
        say(loaded, N_("The channel is changed."))


@alerts_app.command("stop-channel")
def stop_channel(channel: Channel, reason: Reason) -> None:
    """Tell a channel nothing any more, and forget its address. There is no way back."""
    with command() as loaded, changing(loaded) as session:
        stopped = subscribing.known_channel(session, EVERYTHING, now(), _today(loaded), channel)
        channels.stop(session, actor(), now(), channel, reason)
        say(loaded, N_('The channel "{name}" is stopped.'), name=stopped.name)


@alerts_app.command("test")
def test(channel: Channel) -> None:
    """Send a message that only tries a channel; `alerts messages` tells what came of it."""
    with command() as loaded, changing(loaded) as session:
        row = subscribing.known_channel(session, EVERYTHING, now(), _today(loaded), channel)
        number = trying.send_test(session, actor(), now(), loaded.zone, row)
        say(loaded, N_("A test is on its way: message No. {id}."), id=number)


@alerts_app.command("link-code")
def link_code(channel: Channel) -> None:
    """Make the words that link a Zalo chat when they are sent to the bot, and print them, once."""
    with command() as loaded, open_database(loaded) as database:
        store = open_credentials(loaded, database)
        with database.transaction() as session:
            row = subscribing.known_channel(session, EVERYTHING, now(), _today(loaded), channel)
            switched_on.require(row.kind, loaded)
            code = replies.make_code(session, store, actor(), now(), channel)
        text = translate(
            N_("To be sent to the bot from the chat to be linked; it is not shown again:"), loaded.language
        )
        err.print(text, style="yellow", markup=False)
        typer.echo(f"{replies.Verb.LINK.upper()} {code}")


# --- subscriptions ----------------------------------------------------------------------------------


@alerts_app.command("subscriptions")
def list_subscriptions(
    ended: Annotated[bool, typer.Option("--ended", help="Those that have ended.")] = False,
) -> None:
    """List who hears of what, and by which rules."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        table = _table(loaded, N_("No."), N_("Channel"), N_("Of what place"), N_("Of what"), N_("Rules"))
        for row in reading.subscriptions(session, EVERYTHING, _today(loaded), ended=ended):
            table.add_row(
                *(str(row.id), foreign(f"{row.channel_id} {row.channel}"), _place(row, loaded.language)),
                policy_words.subject(row.rules, loaded.language),
                "\n".join(policy_words.conditions(row.rules, loaded.language)),
            )
        out.print(table)


@alerts_app.command("subscribe")
def subscribe(
    channel: Channel,
    reason: Reason,
    unit: Annotated[str, typer.Option(help="Of the eyes of a unit.")] = "",
    site: Annotated[str, typer.Option(help="Of a site. Without either: of the whole city.")] = "",
    policy: PolicyFile = None,
) -> None:
    """Have a channel told of a unit, a site or the whole city."""
    with command() as loaded, open_database(loaded) as database:
        if unit and site:
            raise Refused(N_("Name a unit or a site, not both."))
        said = read_policy(policy)
        wanted = said.ward if unit else said.city
        with database.transaction() as session:
            day = _today(loaded)
            of = Of(UnitTree.load(session).resolve(unit, day).uid if unit else "", site)
            made = subscribing.add(
                *(session, EVERYTHING, actor(), now(), day, channel, of, wanted), reason=reason
            )
        _say_how(loaded, made)


@alerts_app.command("change-subscription")
def change_subscription(number: Number, reason: Reason, policy: PolicyFile = None) -> None:
    """From now on tell by the rules of a policy file."""
    with command() as loaded, open_database(loaded) as database:
        said = read_policy(policy)
        with database.transaction() as session:
            day = _today(loaded)
            before = subscribing.known(session, EVERYTHING, day, number)
            made = subscribing.change(
                *(session, EVERYTHING, actor(), now(), day, number),
                said.city if before.unit_id is None else said.ward,
                reason=reason,
            )
        _say_how(loaded, made)


@alerts_app.command("end-subscription")
def end_subscription(number: Number, reason: Reason) -> None:
    """Tell a channel none of this any more."""
    with command() as loaded, changing(loaded) as session:
        subscribing.end(session, EVERYTHING, actor(), now(), _today(loaded), number, reason=reason)
        say(loaded, N_("The subscription is ended."))


# --- messages ---------------------------------------------------------------------------------------


@alerts_app.command("messages")
def list_messages(
    channel: Annotated[int | None, typer.Option(help="Of one channel, by its number.")] = None,
    state: Annotated[State | None, typer.Option(help="In one state.")] = None,
    most: Annotated[int, typer.Option(min=1, max=MOST_LISTED, help="So many, the newest first.")] = 50,
    text: Annotated[bool, typer.Option("--text", help="In full.")] = False,
) -> None:
    """List what was told, to whom, and what came of it."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        heads = (N_("No."), N_("Made"), N_("Channel"), N_("For"), N_("Text") if text else N_("Title"))
        table = _table(loaded, *heads, N_("State"), N_("Error"))
        wanted = Wanted(channel=channel, state=state)
        for row in reading.page(session, EVERYTHING, _today(loaded), wanted, limit=most).messages:
            table.add_row(
                *(str(row.id), stamp(row.made_at, loaded.language, loaded.zone), foreign(row.channel)),
                *(row.unit or translate(N_("City desk"), loaded.language),),
                *(foreign(row.text if text else row.title), _state(row, loaded), foreign(row.error)),
            )
        out.print(table)


@alerts_app.command("resend")
def resend(
    reason: Reason,
    message: Annotated[
        list[int] | None, typer.Argument(metavar="[MESSAGE]...", help="Numbers of messages.")
    ] = None,
    channel: Annotated[int | None, typer.Option(help="All that were given up over this channel.")] = None,
) -> None:
    """Have messages that were given up tried again."""
    with command() as loaded, changing(loaded) as session:
        numbers = list(message or ())
        if channel is not None:
            wanted = Wanted(channel=channel, state=State.DEAD)
            given_up = reading.every(session, EVERYTHING, _today(loaded), wanted, MOST_LISTED)
            numbers += [row.id for row in given_up]
        for number in dict.fromkeys(numbers):
            outbox.resend(session, actor(), now(), number, reason)
        say(loaded, N_("Messages sent again: {count}."), count=len(set(numbers)))


# --- how it is done ---------------------------------------------------------------------------------


def _table(loaded: Settings, *heads: str) -> Table:
    return Table(*(translate(head, loaded.language) for head in heads))


def _today(loaded: Settings) -> date:
    return now().astimezone(loaded.zone).date()


def _say_how(loaded: Settings, row: SubscriptionRow) -> None:
    """What holds now, as pages say it."""
    place = _place(row, loaded.language)
    say(loaded, N_("{channel} hears of {place}:"), channel=row.channel, place=place)
    for line in (
        policy_words.subject(row.rules, loaded.language),
        *policy_words.conditions(row.rules, loaded.language),
    ):
        out.print(f"  {line}", markup=False)


def _place(row: SubscriptionRow, language: Language) -> str:
    if row.site:
        return f"{translate(N_('Site'), language)} {row.site}"
    return row.unit or translate(N_("The whole city"), language)


def _health(row: reading.ChannelRow, loaded: Settings) -> str:
    """In a word, since when, and why."""
    said = translate(deeds.HEALTHS[row.health], loaded.language)
    return " ".join(part for part in (said, _stamp(row.health_since, loaded), row.error) if part)


def _state(row: MessageRow, loaded: Settings) -> str:
    words = deeds.TOLD_IN_DIGEST if row.told_in_digest else deeds.MESSAGE_STATES[row.state]
    said = translate(words, loaded.language)
    return f"{said} {_stamp(row.sent_at, loaded)}".strip()


def _stamp(at: datetime | None, loaded: Settings) -> str:
    return stamp(at, loaded.language, loaded.zone) if at is not None else ""
