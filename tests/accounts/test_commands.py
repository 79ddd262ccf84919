"""`create_user`, `set_round_anchor` and `sign_arc14`."""

from io import StringIO

import pytest
from algosdk import account, mnemonic
from django.core.management import CommandError, call_command

from accounts.models import Issuer, IssuerMember, RoundAnchor, User
from audit.models import AuditEvent
from tests.factories import IssuerFactory, wallet

pytestmark = pytest.mark.django_db

PROFILE = "/api/v1/auth/profile"
PASSWORD = "a long enough secret"


def run(name, *arguments):
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


def refused(name, *arguments):
    with pytest.raises(CommandError) as caught:
        run(name, *arguments)
    return str(caught.value)


def test_create_user_with_roles_and_an_issuer(events, anonymous):
    said = run(
        "create_user",
        "--email=Olga@Assayer.example",
        f"--password={PASSWORD}",
        f"--address={wallet(3)}",
        "--full-name=Olga Fischer",
        "--role=ComplianceOfficer",
        "--role=Auditor",
        "--issuer=Meridian GmbH",
        "--issuer-role=Operator",
    )
    user = User.objects.get()
    assert said == f"Created {wallet(3)} ({user.pk}).\n"
    assert (user.email, user.address, user.full_name) == (
        "olga@assayer.example",
        wallet(3),
        "Olga Fischer",
    )
    assert user.roles == {"ComplianceOfficer", "Auditor"}
    assert user.check_password(PASSWORD)
    member = IssuerMember.objects.get()
    assert (member.issuer.legal_name, member.user, member.role) == (
        "Meridian GmbH",
        user,
        "Operator",
    )
    [registered] = events("accounts.user.registered")
    assert registered["actor"] == "system"
    assert registered["source"] == "Command"
    assert registered["details"]["roles"] == ["Auditor", "ComplianceOfficer"]
    assert len(events("accounts.issuer.created")) == len(events("accounts.member.added")) == 1
    assert PASSWORD not in "".join(AuditEvent.objects.values_list("body", flat=True))


def test_create_user_joins_an_issuer_that_exists_as_its_owner():
    issuer = IssuerFactory.create(legal_name="Meridian GmbH")
    run("create_user", f"--address={wallet(3)}", "--issuer=Meridian GmbH")
    assert Issuer.objects.count() == 1
    assert list(issuer.members.values_list("user__address", "role")) == [(wallet(3), "Owner")]
    assert not User.objects.get().has_usable_password()


def test_create_user_takes_the_password_from_the_environment_or_asks(monkeypatch):
    monkeypatch.setenv("ASSAYER_USER_PASSWORD", PASSWORD)
    run("create_user", "--email=a@b.example")
    monkeypatch.delenv("ASSAYER_USER_PASSWORD")
    monkeypatch.setattr("getpass.getpass", lambda prompt: "another long secret")
    run("create_user", "--email=c@d.example")
    assert User.objects.get(email="a@b.example").check_password(PASSWORD)
    assert User.objects.get(email="c@d.example").check_password("another long secret")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "--email or --address"),
        ((f"--address={wallet(1)}x",), "58 characters"),
        ((f"--address={wallet(1)[:-1]}7",), "checksum"),
        (("--email=no-address", f"--password={PASSWORD}"), "valid email"),
        (("--email=a@b.example", "--password=short"), "at least 12 characters"),
        (("--email=taken@b.example", f"--password={PASSWORD}"), "already exists"),
        ((f"--address={wallet(1)}", "--issuer-role=Owner"), "needs --issuer"),
        ((f"--address={wallet(1)}", "--role=King"), "invalid choice"),
        ((f"--address={wallet(1)}", "--issuer=Twice GmbH"), "Several issuers"),
    ],
)
def test_create_user_makes_nothing_of_what_is_wrong(arguments, says):
    User.objects.create(email="taken@b.example")
    for _ in range(2):
        IssuerFactory.create(legal_name="Twice GmbH")
    assert says in refused("create_user", *arguments)
    assert User.objects.count() == 1
    assert AuditEvent.objects.count() == 0


def test_create_user_makes_nothing_of_two_different_passwords(monkeypatch):
    answers = iter([PASSWORD, PASSWORD + "x"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))
    assert "differ" in refused("create_user", "--email=a@b.example")
    assert User.objects.count() == 0


def test_set_round_anchor(events):
    assert run("set_round_anchor", "voi", "123") == "voimain-v1.0 is at round 123 now.\n"
    assert RoundAnchor.objects.get().round == 123
    assert len(events("accounts.anchor.recorded")) == 1
    assert "not a known Algorand network" in refused("set_round_anchor", "base", "5")
    assert "from 0" in refused("set_round_anchor", "voi", "--", "-5")
    assert RoundAnchor.objects.get().round == 123


@pytest.fixture
def development(settings):
    settings.ENVIRONMENT = "development"


def profile_of(client_for, value):
    assert value.endswith("\n")
    assert value.count("\n") == 1
    return client_for(None, HTTP_AUTHORIZATION=value.rstrip("\n")).get(PROFILE).json()


def test_sign_arc14_makes_headers_that_work(development, client_for):
    first = profile_of(client_for, run("sign_arc14"))["algorandAddress"]
    same = profile_of(client_for, run("sign_arc14", "--demo-wallet=1"))["algorandAddress"]
    other = profile_of(client_for, run("sign_arc14", "--demo-wallet=2"))["algorandAddress"]
    assert first == same != other
    on_main = run("sign_arc14", "--network=mainnet")
    assert profile_of(client_for, on_main)["algorandAddress"] == first
    assert set(RoundAnchor.objects.values_list("network", flat=True)) == {
        "voimain-v1.0",
        "mainnet-v1.0",
    }


def test_sign_arc14_signs_for_the_25_words(development, client_for, monkeypatch):
    key, address = account.generate_account()
    words = mnemonic.from_private_key(key)
    given = run("sign_arc14", f"--mnemonic={words}")
    assert profile_of(client_for, given)["algorandAddress"] == address
    monkeypatch.setenv("ARC14_MNEMONIC", words)
    assert profile_of(client_for, run("sign_arc14"))["algorandAddress"] == address
    demo = profile_of(client_for, run("sign_arc14", "--demo-wallet=1"))["algorandAddress"]
    assert demo != address


def test_sign_arc14_goes_on_from_the_anchor_however_old(development, client_for):
    run("set_round_anchor", "voi", "90000000")
    RoundAnchor.objects.update(observed_at="2026-01-01T00:00:00Z")
    assert "algorandAddress" in profile_of(client_for, run("sign_arc14"))
    assert RoundAnchor.objects.get().round > 90_000_000


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--network=base",), "not a known Algorand network"),
        (("--mnemonic=hen vendor reflect",), "25 words"),
        (("--mnemonic=x", "--demo-wallet=1"), "not both"),
    ],
)
def test_sign_arc14_says_what_is_wrong(development, arguments, says):
    message = refused("sign_arc14", *arguments)
    assert says in message
    assert "hen vendor" not in message
    assert RoundAnchor.objects.count() == 0


@pytest.mark.parametrize("environment", ["production", "test", "base"])
def test_sign_arc14_is_for_development_alone(settings, environment):
    settings.ENVIRONMENT = environment
    assert "development only" in refused("sign_arc14")
    assert RoundAnchor.objects.count() == 0
