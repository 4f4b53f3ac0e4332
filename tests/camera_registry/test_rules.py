"""Rules as they are kept, as a policy file has them, and what they cannot be."""

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest

from camera_registry.alerts import rules
from camera_registry.alerts.occasions import What
from camera_registry.alerts.rules import CITY_RULES, WARD_RULES, Rules, RulesError

OTHER = Rules(
    what=frozenset({What.OUTAGE, What.SITE}),
    least=timedelta(minutes=90),
    alone=timedelta(0),
    unacknowledged=timedelta(seconds=45),
    quiet=(time(12), time(14, 30)),
    reminders=(timedelta(days=3),),
    weekly=6,
    backlog=True,
)


@pytest.mark.parametrize("kept", [WARD_RULES, CITY_RULES, OTHER], ids=["ward", "city", "other"])
def test_kept_and_read_again(kept: Rules) -> None:
    assert rules.from_json(rules.to_json(kept)) == kept
    assert rules.from_json(rules.to_json(kept), OTHER) == kept, "everything is said"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        pytest.param({"least": 10}, '"least" is a length', id="a number is no length"),
        pytest.param({"least": "-1m"}, '"least" is a length', id="negative"),
        pytest.param({"alone": "31d"}, '"alone" is between', id="too long"),
        pytest.param({"quiet": ["21:30"]}, '"quiet" is two times', id="half a night"),
        pytest.param({"quiet": ["21:30", "25:00"]}, '"quiet" is a time of day', id="no such hour"),
        pytest.param({"quiet": ["06:00", "06:00"]}, "Quiet hours end", id="a whole day or none"),
        pytest.param({"per_hour": 0}, '"per_hour" is between', id="never"),
        pytest.param({"per_hour": True}, '"per_hour" is a whole number', id="true is no number"),
        pytest.param({"per_week": 501}, '"per_week" is between', id="too many"),
        pytest.param({"weekly": 7}, '"weekly" is between', id="no such day"),
        pytest.param({"what": ["outages"]}, '"what" is a list of', id="nothing of that name"),
        pytest.param({"what": "outage"}, '"what" is a list of', id="no list"),
        pytest.param({"reminders": ["2d"]}, "Reminders come after 1d, 3d, 7d", id="no such reminder"),
        pytest.param({"reminders": "1d"}, '"reminders" is a list', id="no list of lengths"),
        pytest.param({"daily": "yes"}, '"daily" is true or false', id="yes is no switch"),
        pytest.param({"digest_at": "6:30"}, '"digest_at" is a time', id="not as times are written"),
        pytest.param({"digest_at": "06:30+07:00"}, '"digest_at" is a time', id="a zone"),
        pytest.param({"hourly": 3}, 'There is no rule "hourly"', id="no such rule"),
    ],
)
def test_what_cannot_be(said: dict[str, Any], why: str) -> None:
    with pytest.raises(RulesError) as refused:
        rules.from_json(said)
    assert str(refused.value).startswith(why)


def test_a_policy_file() -> None:
    policy = rules.read_policy(
        """
        [ward]
        least = "30m"
        quiet = []
        weekly = 4

        [city]
        reminders = []
        weekly = ""
        """
    )
    assert policy.ward == replace(WARD_RULES, least=timedelta(minutes=30), quiet=None, weekly=4)
    assert policy.city == replace(CITY_RULES, reminders=(), weekly=None)
    assert rules.read_policy("") == rules.Policy()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("[ward", "The policy is not TOML", id="no TOML"),
        pytest.param("[village]", "A policy has the tables city, ward", id="another table"),
        pytest.param("ward = 3", "A policy has the tables city, ward", id="no table"),
        pytest.param('[ward]\nleast = "x"', '"least" is a length', id="a rule that cannot be"),
    ],
)
def test_no_policy(text: str, why: str) -> None:
    with pytest.raises(RulesError) as refused:
        rules.read_policy(text)
    assert str(refused.value).startswith(why)
