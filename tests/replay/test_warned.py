"""A summer with a flood, through the default policy of alerts; ``make bench`` has the whole year."""

from itertools import chain

import pytest

from camera_registry.alerts.preview import Hearer
from camera_registry.alerts.routing import DIGESTS, Kind
from tests.replay import city
from tests.replay.warned import MOST_A_WEEK, Warned, news_of, warned


@pytest.fixture(scope="module")
def summer() -> Warned:
    return warned(city.SUMMER)


def every_ward(summer: Warned) -> dict[str, Hearer]:
    return {ward.uid: ward for ward in summer.preview.wards}


def test_no_ward_gets_more_than_three_messages_in_any_week_outside_the_flood(summer: Warned) -> None:
    most = {uid: summer.most_outside_the_flood(ward) for uid, ward in every_ward(summer).items()}
    assert max(most.values()) <= MOST_A_WEEK
    assert sum(most.values()) > 0, "and something was said"


def test_of_one_incident_a_ward_hears_at_most_that_it_began_and_that_it_is_over(summer: Warned) -> None:
    for ward in every_ward(summer).values():
        about = {each.occasion for each in ward.said if each.kind not in DIGESTS}
        for occasion in about:
            heard = [kind for kind, _ in news_of(ward, occasion)]
            assert heard in ([], [Kind.OPENED], [Kind.OPENED, Kind.RECOVERED], [Kind.UNSTABLE]), occasion


def test_everybody_who_lost_a_point_hears_of_it_in_the_end(summer: Warned) -> None:
    """What is held is told: nothing waits for ever."""
    for ward in every_ward(summer).values():
        held = {each.occasion for each in ward.said if each.held and each.kind is Kind.OPENED}
        told = {occasion for _, occasion in chain.from_iterable(each.tells for each in ward.messages)}
        assert held <= told
