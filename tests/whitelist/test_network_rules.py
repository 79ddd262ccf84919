"""The rules of networks on entries: pure, then through the services in the writer's real role."""

import pytest

from audit.models import AuditEvent
from tests import factories
from tests.factories import ARAMID, VOI, TokenFactory, client_for, wallet
from whitelist.models import WhitelistEntry
from whitelist.network_rules import advice, removal_violations, violations
from whitelist.services.content import EntryRuleViolated
from whitelist.services.entries import whitelist_entry_remove, whitelist_entry_upsert

KYC = f"Aramid network requires KYC verification for Active whitelist entries. Address: {wallet(1)}"
PROVIDER = (
    "Aramid network requires KYC provider to be specified when KYC is verified. "
    f"Address: {wallet(1)}"
)
NOT_ON_VOI = (
    "Operator role cannot revoke whitelist entries on VOI network. Admin privileges required."
)
NOT_ON_ARAMID = (
    "Operator role cannot revoke whitelist entries on Aramid network. Admin privileges required."
)
NETWORKS = (VOI, ARAMID, "mainnet-v1.0", "base-mainnet", "cardano", "")


def entry(status="Active", verified=False, provider=None):
    return {"status": status, "kyc_verified": verified, "kyc_provider": provider}


def broken(network, role="Admin", **values):
    found = violations(network, wallet(1), entry(**values), role)
    return [(one.field, one.message) for one in found]


@pytest.mark.parametrize("network", [ARAMID, "aramidmain", "ARAMIDMAIN-v2", "aramid-test"])
def test_aramid_asks_for_kyc_and_its_provider(network):
    assert broken(network) == [("kycVerified", KYC)]
    assert broken(network, provider="Sumsub") == [("kycVerified", KYC)]
    for provider in (None, "", "  "):
        assert broken(network, verified=True, provider=provider) == [("kycProvider", PROVIDER)]
    assert broken(network, verified=True, provider="Sumsub") == []


@pytest.mark.parametrize("status", ["Inactive", "Revoked"])
def test_aramid_asks_nothing_of_one_who_may_not_hold(status):
    assert broken(ARAMID, status=status) == []
    assert broken(ARAMID, status=status, verified=True) == [("kycProvider", PROVIDER)]


@pytest.mark.parametrize(("network", "message"), [(VOI, NOT_ON_VOI), (ARAMID, NOT_ON_ARAMID)])
def test_an_operator_does_not_revoke(network, message):
    assert broken(network, role="Operator", status="Revoked") == [("status", message)]
    assert broken(network, role="Admin", status="Revoked") == []
    assert broken(network, role="Operator", status="Inactive") == []


def test_voi_recommends_kyc_and_refuses_nothing():
    assert broken(VOI) == broken(VOI, role="Operator") == []
    text = "VOI network recommends KYC verification for Active whitelist entries."
    assert advice(VOI, entry(), "Admin") == (text,)
    assert advice(VOI, entry(verified=True), "Admin") == ()
    assert advice(VOI, entry(status="Inactive"), "Admin") == ()
    assert [advice(network, entry(), "Admin") for network in NETWORKS[1:]] == [()] * 5


@pytest.mark.parametrize("network", ["mainnet-v1.0", "base-mainnet", "cardano", ""])
@pytest.mark.parametrize("role", ["Admin", "Operator"])
def test_other_networks_have_no_rules(network, role):
    for status in ("Active", "Inactive", "Revoked"):
        assert broken(network, role=role, status=status) == []
        assert broken(network, role=role, status=status, verified=True) == []
    assert removal_violations(network, role) == ()


def test_every_broken_rule_is_named():
    assert broken(ARAMID, role="Operator", status="Revoked", verified=True) == [
        ("kycProvider", PROVIDER),
        ("status", NOT_ON_ARAMID),
    ]


def test_who_may_not_revoke_may_not_remove():
    for network, name in ((VOI, "VOI"), (ARAMID, "Aramid")):
        (one,) = removal_violations(network, "Operator")
        assert one.message == (
            f"Operator role cannot remove whitelist entries on {name} network. "
            "Admin privileges required."
        )
        assert removal_violations(network, "Admin") == ()


@pytest.fixture
def operator(issuer):
    return factories.member_of(issuer, "Operator")


def contents():
    return list(WhitelistEntry.objects.order_by("pk").values()), AuditEvent.objects.count()


@pytest.mark.django_db
class TestRole:
    """The role is who the caller is; what they state of it is only compared."""

    @pytest.mark.parametrize("network", [VOI, ARAMID])
    def test_an_operator_cannot_revoke_or_remove(self, issuer, owner, operator, network):
        token = TokenFactory.create(issuer=issuer, network=network)
        kyc = {"kyc_verified": True, "kyc_provider": "Sumsub"}
        whitelist_entry_upsert(actor=operator, token=token, address=wallet(1), **kyc)
        before = contents()
        with pytest.raises(EntryRuleViolated, match="cannot revoke"):
            whitelist_entry_upsert(actor=operator, token=token, address=wallet(1), status="Revoked")
        with pytest.raises(EntryRuleViolated, match="cannot remove"):
            whitelist_entry_remove(
                actor=operator, asset_id=token.asset_id, network=network, address=wallet(1)
            )
        assert contents() == before
        whitelist_entry_upsert(actor=owner, token=token, address=wallet(1), status="Revoked")
        with pytest.raises(EntryRuleViolated):
            whitelist_entry_upsert(actor=operator, token=token, address=wallet(1), reason="late")
        whitelist_entry_remove(
            actor=owner, asset_id=token.asset_id, network=network, address=wallet(1)
        )

    def test_elsewhere_an_operator_may(self, issuer, operator):
        token = TokenFactory.create(issuer=issuer, network="mainnet-v1.0")
        whitelist_entry_upsert(actor=operator, token=token, address=wallet(1), status="Revoked")
        whitelist_entry_remove(
            actor=operator, asset_id=token.asset_id, network=None, address=wallet(1)
        )
        assert WhitelistEntry.objects.count() == 0

    @pytest.mark.parametrize(
        ("persona", "role"),
        [("owner", "Admin"), ("operator", "Operator"), ("officer", "Admin")],
    )
    @pytest.mark.parametrize("path", ["whitelist", "whitelist/bulk"])
    def test_a_stated_role_must_be_ones_own(self, request, issuer, persona, role, path):
        token = TokenFactory.create(issuer=issuer)
        client = client_for(request.getfixturevalue(persona))
        body = {
            "assetId": token.asset_id,
            **({"address": wallet(1)} if path == "whitelist" else {"addresses": [wallet(1)]}),
        }
        other = {"Admin": "Operator", "Operator": "Admin"}[role]
        before = contents()
        for stated in (other, ["Admin", "Operator"].index(other)):
            response = client.post(
                f"/api/v1/{path}", {**body, "status": "Revoked", "role": stated}, format="json"
            )
            assert response.status_code == 400
            message = f"You write this whitelist as {role}; state that or nothing."
            assert response.json()["details"] == {"role": [message]}
        assert contents()[0] == before[0]
        for stated in (role, role.lower(), ["Admin", "Operator"].index(role), None):
            response = client.post(f"/api/v1/{path}", {**body, "role": stated}, format="json")
            assert response.status_code == 200, response.content

    def test_the_first_writer_of_a_token_is_its_admin(self):
        newcomer = factories.UserFactory.create()
        response = client_for(newcomer).post(
            "/api/v1/whitelist",
            {"assetId": 77, "network": VOI, "address": wallet(1), "status": 2, "role": 0},
            format="json",
        )
        assert response.status_code == 200, response.content
        assert response.json()["entry"]["status"] == "Revoked"

    def test_an_entry_keeps_the_role_of_its_last_writer(self, issuer, owner, operator):
        token = TokenFactory.create(issuer=issuer)

        def role(actor, **content):
            whitelist_entry_upsert(actor=actor, token=token, address=wallet(1), **content)
            return WhitelistEntry.objects.get().role

        assert role(operator, reason="one") == "Operator"
        assert role(owner, reason="one") == "Operator"  # nothing was written
        assert role(owner, reason="two") == "Admin"
        assert role(operator, status="Inactive") == "Operator"

    def test_an_officer_who_is_also_operator_is_admin(self, issuer, officer):
        factories.IssuerMember.objects.create(issuer=issuer, user=officer, role="Operator")
        token = TokenFactory.create(issuer=issuer)
        row = whitelist_entry_upsert(
            actor=officer, token=token, address=wallet(1), status="Revoked"
        )
        assert row.status == "Revoked"

    def test_an_owner_elsewhere_is_operator_here(self, issuer, operator):
        other = factories.IssuerFactory.create()
        factories.IssuerMember.objects.create(issuer=other, user=operator, role="Owner")
        token = TokenFactory.create(issuer=issuer)
        with pytest.raises(EntryRuleViolated):
            whitelist_entry_upsert(actor=operator, token=token, address=wallet(1), status="Revoked")


@pytest.mark.django_db
def test_a_broken_rule_is_a_400_that_names_every_field(issuer):
    operator = factories.member_of(issuer, "Operator")
    token = TokenFactory.create(issuer=issuer, network=ARAMID)
    response = client_for(operator).post(
        "/api/v1/whitelist",
        {
            "assetId": token.asset_id,
            "address": wallet(1),
            "status": "Revoked",
            "kycVerified": True,
        },
        format="json",
    )
    body = response.json()
    assert response.status_code == 400
    assert body["errorCode"] == "NETWORK_RULE_VIOLATION"
    assert body["errorMessage"] == PROVIDER
    assert body["details"] == {"kycProvider": [PROVIDER], "status": [NOT_ON_ARAMID]}
    assert WhitelistEntry.objects.count() == 0
    (event,) = factories.event_bodies("whitelist.entry.write_failed")
    assert event["success"] is False
    assert event["assetId"] == str(token.asset_id)


@pytest.mark.django_db
def test_what_the_entry_has_already_counts(owner, issuer):
    token = TokenFactory.create(issuer=issuer, network=ARAMID)
    kyc = {"kyc_verified": True, "kyc_provider": "Sumsub"}
    whitelist_entry_upsert(actor=owner, token=token, address=wallet(1), **kyc)
    whitelist_entry_upsert(actor=owner, token=token, address=wallet(1), reason="more")
    for change in ({"kyc_verified": None}, {"kyc_provider": None}):
        with pytest.raises(EntryRuleViolated):
            whitelist_entry_upsert(actor=owner, token=token, address=wallet(1), **change)
    row = WhitelistEntry.objects.get()
    assert (row.kyc_verified, row.kyc_provider, row.reason) == (True, "Sumsub", "more")


@pytest.mark.django_db
def test_what_a_network_recommends_is_answered(owner, issuer):
    token = TokenFactory.create(issuer=issuer, network=VOI)
    client, body = client_for(owner), {"assetId": token.asset_id, "address": wallet(1)}
    text = "VOI network recommends KYC verification for Active whitelist entries."
    assert client.post("/api/v1/whitelist", body, format="json").json()["warnings"] == [text]
    verified = {**body, "kycVerified": True}
    assert client.post("/api/v1/whitelist", verified, format="json").json()["warnings"] == []
