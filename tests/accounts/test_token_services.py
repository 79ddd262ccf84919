"""The ownership record: claimed by the first writer, adopted, verified, reassigned."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from accounts.models import Issuer, IssuerMember, Token, User
from accounts.selectors import AmbiguousAsset, token_get, token_get_visible
from accounts.services import (
    token_for_evidence,
    token_for_write,
    token_owner_verify,
    token_reassign,
    token_update,
)
from audit.models import AuditEvent
from config.api.errors import Conflict, NotFound, NotVisible, PermissionRefused
from tests.factories import ARAMID, VOI, IssuerFactory, TokenFactory, UserFactory

pytestmark = pytest.mark.django_db


def names():
    rows = AuditEvent.objects.filter(name__startswith="accounts.").order_by("seq")
    return list(rows.values_list("name", flat=True))


def test_the_first_writer_of_a_new_token_gets_it_for_an_issuer_of_their_own(events):
    user = UserFactory.create()
    token = token_for_write(actor=user, asset_id=12345, network=VOI)
    token.refresh_from_db()
    assert (token.network, token.asset_id) == (VOI, 12345)
    assert token.ownership_verified_at is None
    issuer = Issuer.objects.get()
    assert token.issuer == issuer
    assert list(issuer.members.values_list("user", "role")) == [(user.pk, "Owner")]
    assert names() == [
        "accounts.token.registered",
        "accounts.issuer.created",
        "accounts.member.added",
        "accounts.token.claimed",
    ]
    [claimed] = events("accounts.token.claimed")
    assert (claimed["assetId"], claimed["network"]) == ("12345", VOI)
    assert claimed["issuerId"] == str(issuer.pk)
    token_for_write(actor=User.objects.get(pk=user.pk), asset_id=12346, network=VOI)
    assert Issuer.objects.count() == 1
    assert issuer.tokens.count() == 2


def test_the_claim_goes_to_the_first_issuer_that_the_writer_may_write_for(issuer, member):
    second = IssuerFactory.create()
    IssuerMember.objects.create(issuer=second, user=member, role="Operator")
    token = token_for_write(actor=member, asset_id=5, network=VOI)
    assert token.issuer == second
    assert Issuer.objects.count() == 2


def test_a_token_that_nobody_owned_is_claimed(owner, issuer):
    known = TokenFactory.create(issuer=None)
    token = token_for_write(actor=owner, asset_id=known.asset_id, network=VOI)
    assert (token.pk, token.issuer) == (known.pk, issuer)
    assert names() == ["accounts.token.claimed"]


def test_an_officer_writes_without_owning(officer):
    token = token_for_write(actor=officer, asset_id=5, network=VOI)
    assert token.issuer is None
    assert names() == ["accounts.token.registered"]
    assert Issuer.objects.count() == 0


@pytest.mark.parametrize("persona", ["auditor", "member"])
@pytest.mark.parametrize("owned", [True, False, None], ids=["own", "unowned", "new"])
def test_who_only_reads_writes_nothing(request, issuer, persona, owned):
    actor = request.getfixturevalue(persona)
    if owned is not None:
        TokenFactory.create(asset_id=5, issuer=issuer if owned else None)
    with pytest.raises(PermissionRefused):
        token_for_write(actor=actor, asset_id=5, network=VOI)
    assert Token.objects.filter(issuer__isnull=False).count() == (1 if owned else 0)
    assert Token.objects.count() == (0 if owned is None else 1)
    assert names() == []


def test_the_token_of_another_issuer_is_refused(outsider, owner, officer, issuer):
    token = TokenFactory.create(issuer=issuer)
    with pytest.raises(PermissionRefused):
        token_for_write(actor=outsider, asset_id=token.asset_id, network=VOI)
    token.refresh_from_db()
    assert token.issuer == issuer
    assert names() == []
    for actor in (owner, officer):
        found = token_for_write(actor=actor, asset_id=token.asset_id, network=VOI)
        assert (found.pk, found.issuer) == (token.pk, issuer)
    assert names() == []


def test_a_token_without_a_network_takes_the_one_that_its_owner_names(owner, issuer, events):
    nameless = TokenFactory.create(network="", asset_id=5, issuer=issuer)
    token = token_for_write(actor=owner, asset_id=5, network=VOI)
    assert (token.pk, token.network) == (nameless.pk, VOI)
    [event] = events("accounts.token.updated")
    assert (event["network"], event["details"]) == (VOI, {"fields": ["network"]})
    assert Token.objects.count() == 1


def test_nobody_else_names_the_network_of_an_owned_token(outsider, issuer):
    nameless = TokenFactory.create(network="", asset_id=5, issuer=issuer)
    token = token_for_write(actor=outsider, asset_id=5, network=VOI)
    nameless.refresh_from_db()
    assert (nameless.network, nameless.issuer) == ("", issuer)
    assert token.pk != nameless.pk
    assert token.issuer_id in outsider.issuer_ids


def test_a_nameless_token_that_nobody_owns_is_adopted_and_claimed(owner, issuer):
    nameless = TokenFactory.create(network="", asset_id=5, issuer=None)
    token = token_for_write(actor=owner, asset_id=5, network=ARAMID)
    assert (token.pk, token.network, token.issuer) == (nameless.pk, ARAMID, issuer)
    assert names() == ["accounts.token.updated", "accounts.token.claimed"]


def test_without_a_network_the_one_that_exists_is_meant(owner, issuer):
    token = TokenFactory.create(asset_id=5, issuer=issuer)
    assert token_for_write(actor=owner, asset_id=5, network=None).pk == token.pk


def test_an_asset_on_two_networks_must_be_named(owner, officer, issuer):
    for network in (VOI, ARAMID, ""):
        TokenFactory.create(asset_id=5, network=network, issuer=issuer)
    for act in (
        lambda: token_for_write(actor=owner, asset_id=5, network=None),
        lambda: token_for_evidence(actor=owner, asset_id=5, network=None),
        lambda: token_get(asset_id=5, network=None),
    ):
        with pytest.raises(AmbiguousAsset) as caught:
            act()
        assert caught.value.code == "AMBIGUOUS_ASSET"
        assert caught.value.details == {"network": ["(none)", ARAMID, VOI]}
    assert token_for_write(actor=owner, asset_id=5, network=ARAMID).network == ARAMID
    assert names() == []


def test_evidence_registers_a_token_and_gives_it_to_nobody(outsider):
    token = token_for_evidence(actor=outsider, asset_id=5, network=VOI)
    assert token.issuer is None
    assert token_for_evidence(actor=outsider, asset_id=5, network=VOI).pk == token.pk
    assert names() == ["accounts.token.registered"]


def test_a_token_is_found_by_those_who_may_see_it(owner, member, outsider, auditor, issuer):
    token = TokenFactory.create(issuer=issuer)
    for actor in (owner, member, auditor):
        found = token_get_visible(actor=actor, asset_id=token.asset_id, network=VOI)
        assert found.pk == token.pk
    with pytest.raises(NotVisible):
        token_get_visible(actor=outsider, asset_id=token.asset_id, network=VOI)
    with pytest.raises(NotFound):
        token_get(asset_id=token.asset_id, network=ARAMID)


def test_an_officer_verifies_the_owner_once(officer, issuer, events):
    token = TokenFactory.create(issuer=issuer)
    first = token_owner_verify(actor=officer, token=token).ownership_verified_at
    again = token_owner_verify(actor=officer, token=token).ownership_verified_at
    token.refresh_from_db()
    assert token.ownership_verified_at == first == again
    [event] = events("accounts.token.owner_verified")
    assert (event["assetId"], event["issuerId"]) == (str(token.asset_id), str(issuer.pk))


def test_ownership_is_not_verified_by_others_nor_by_its_owner(owner, auditor, officer, issuer):
    token = TokenFactory.create(issuer=issuer)
    for actor in (owner, auditor):
        with pytest.raises(PermissionRefused):
            token_owner_verify(actor=actor, token=token)
    with pytest.raises(Conflict):
        token_owner_verify(actor=officer, token=TokenFactory.create(issuer=None))
    IssuerMember.objects.create(issuer=issuer, user=officer, role="Viewer")
    with pytest.raises(Conflict):
        token_owner_verify(actor=User.objects.get(pk=officer.pk), token=token)
    assert not Token.objects.filter(ownership_verified_at__isnull=False).exists()
    assert names() == []


def test_a_reassigned_token_must_be_verified_anew(officer, issuer, events):
    token = TokenFactory.create(issuer=issuer)
    token_owner_verify(actor=officer, token=token)
    other = IssuerFactory.create()
    token_reassign(actor=officer, token=token, issuer=other)
    token.refresh_from_db()
    assert (token.issuer, token.ownership_verified_at) == (other, None)
    token_reassign(actor=officer, token=token, issuer=other)
    token_reassign(actor=officer, token=token, issuer=None)
    token.refresh_from_db()
    assert token.issuer is None
    moves = [(e.get("oldStatus"), e.get("newStatus")) for e in events("accounts.token.reassigned")]
    assert moves == [(str(issuer.pk), str(other.pk)), (str(other.pk), None)]


@pytest.mark.parametrize("persona", ["owner", "auditor", "outsider"])
def test_only_officers_reassign(request, issuer, persona):
    token = TokenFactory.create(issuer=issuer)
    with pytest.raises(PermissionRefused):
        token_reassign(actor=request.getfixturevalue(persona), token=token, issuer=None)
    token.refresh_from_db()
    assert token.issuer == issuer
    assert names() == []


def test_descriptive_fields_are_changed_by_writers(owner, outsider, issuer, events):
    token = TokenFactory.create(issuer=issuer, name="Old")
    with pytest.raises(PermissionRefused):
        token_update(actor=outsider, token=token, name="Stolen")
    token_update(actor=owner, token=token, name="New", decimals=6, unit_name="")
    token.refresh_from_db()
    assert (token.name, token.decimals) == ("New", 6)
    [event] = events("accounts.token.updated")
    assert event["details"] == {"fields": ["decimals", "name"]}


@pytest.mark.parametrize("total", [0, 1, 2**53 + 1, 1234567890123456789, 2**64 - 1, 10**78 - 1])
def test_a_total_is_exact_on_every_database(owner, issuer, total):
    token = TokenFactory.create(issuer=issuer)
    token_update(actor=owner, token=token, total=total)
    stored = Token.objects.get(pk=token.pk).total
    assert (stored, str(stored)) == (total, str(total))
    assert Token.objects.filter(total=total).exists()


@pytest.mark.parametrize("total", [-1, 10**78, "1.5", "x"])
def test_what_is_no_amount_of_base_units_is_refused(owner, issuer, total):
    token = TokenFactory.create(issuer=issuer)
    with pytest.raises(ValidationError):
        token_update(actor=owner, token=token, total=total)
    assert Token.objects.get(pk=token.pk).total is None


def at_once(acts):
    """Run `acts` in threads that start together; return what each returned or raised."""
    barrier = Barrier(len(acts))

    def run(act):
        try:
            barrier.wait(timeout=10)
            return act()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(3))
def test_of_two_first_writers_at_once_one_owns_it(attempt):
    users = [UserFactory.create() for _ in range(4)]

    def write(user):
        return lambda: token_for_write(actor=user, asset_id=5, network=VOI)

    outcomes = at_once([write(user) for user in users])
    winners = [user for user, one in zip(users, outcomes, strict=True) if isinstance(one, Token)]
    assert len(winners) == 1
    others = [one for one in outcomes if not isinstance(one, Token)]
    assert {type(one) for one in others} == {PermissionRefused}
    token = Token.objects.get()
    assert token.issuer == Issuer.objects.get()
    assert list(token.issuer.members.values_list("user", "role")) == [(winners[0].pk, "Owner")]
    assert sorted(names()) == [
        "accounts.issuer.created",
        "accounts.member.added",
        "accounts.token.claimed",
        "accounts.token.registered",
    ]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("same_token", [True, False], ids=["one token", "several tokens"])
def test_first_writes_of_one_wallet_at_once_make_one_issuer(same_token):
    wallet = UserFactory.create()

    def write(number):
        # Each request looks its user up anew.
        user = User.objects.get(pk=wallet.pk)
        asset = 5 if same_token else 5 + number
        return lambda: token_for_write(actor=user, asset_id=asset, network=VOI)

    outcomes = at_once([write(number) for number in range(4)])
    assert [type(one) for one in outcomes] == [Token] * 4
    issuer = Issuer.objects.get()
    assert set(Token.objects.values_list("issuer", flat=True)) == {issuer.pk}
    assert Token.objects.count() == (1 if same_token else 4)
    assert issuer.members.count() == 1
    assert names().count("accounts.token.claimed") == Token.objects.count()
