"""The signing key: what production refuses, what development may use, what is never published."""

import base64
from typing import Any

import pytest
from django.conf import settings as current
from nacl.signing import SigningKey

from audit.signing import current_key, public_keys, sign, signing_problem
from config.checks import production_requirements
from tests.compliance.reports import published_keys

GOOD = base64.b64encode(b"g" * 32).decode()
PUBLIC = base64.b64encode(bytes(SigningKey(b"r" * 32).verify_key)).decode()


def problems(settings: Any, **changes: Any) -> list[str]:
    """The messages of assayer.E014 in production."""
    settings.ENVIRONMENT = "production"
    for name, value in {"REPORT_SIGNING_KEY": GOOD, **changes}.items():
        setattr(settings, name, value)
    return [one.msg for one in production_requirements(None) if one.id == "assayer.E014"]


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("", "is not set"),
        (current.DEMO_REPORT_SIGNING_KEY, "the demo key"),
        (f" {current.DEMO_REPORT_SIGNING_KEY}\n", "the demo key"),
        ("not base64!", "not base64"),
        (base64.b64encode(b"g" * 31).decode(), "not 32 bytes"),
        (base64.b64encode(b"g" * 64).decode(), "not 32 bytes"),
    ],
)
def test_production_refuses_a_key_that_seals_nothing(settings: Any, key: str, says: str) -> None:
    (message,) = problems(settings, REPORT_SIGNING_KEY=key)
    assert says in message


@pytest.mark.parametrize(
    "entry",
    [
        PUBLIC,
        f"{PUBLIC}@",
        f"{PUBLIC}@2026-01-01",
        "short@2025-01-01..2026-01-01",
        f"{PUBLIC}@yesterday..today",
        "@..",
    ],
)
def test_production_refuses_a_retired_key_that_cannot_be_read(settings: Any, entry: str) -> None:
    assert len(problems(settings, REPORT_RETIRED_KEYS=[entry])) == 1


def test_production_takes_a_key_of_its_own(settings: Any) -> None:
    assert problems(settings) == []
    assert problems(settings, REPORT_SIGNING_KEY=f"{GOOD}\n") == []  # as a file of a secret has it
    assert problems(settings, REPORT_RETIRED_KEYS=[f"{PUBLIC}@..2026-01-01"]) == []
    assert len(problems(settings, REPORT_SIGNING_KEY_SINCE="soon")) == 1


def test_only_production_is_held_to_it(settings: Any) -> None:
    settings.REPORT_SIGNING_KEY = ""
    assert production_requirements(None) == []
    assert signing_problem() == "REPORT_SIGNING_KEY is not set"


def test_development_seals_with_the_demo_key(settings: Any) -> None:
    settings.REPORT_SIGNING_KEY = current.DEMO_REPORT_SIGNING_KEY
    assert current_key().verifies(b"message", sign(b"message"))
    assert not current_key().verifies(b"another", sign(b"message"))


def test_a_key_that_is_current_again_is_published_once(settings: Any) -> None:
    settings.REPORT_SIGNING_KEY = GOOD
    again = base64.b64encode(current_key().raw).decode()
    settings.REPORT_RETIRED_KEYS = [f"{again}@..2020-01-01", f"{PUBLIC}@.."]
    keys = list(public_keys().values())
    assert [key.key_id for key in keys] == [current_key().key_id, keys[1].key_id]
    assert keys[0].until is None


def test_the_private_key_is_never_published(settings: Any) -> None:
    settings.REPORT_SIGNING_KEY = GOOD
    answered = published_keys()
    for spelling in (base64.b64encode(b"g" * 32), base64.urlsafe_b64encode(b"g" * 32)):
        assert spelling.rstrip(b"=") not in answered
