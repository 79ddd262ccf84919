"""Makers of users, issuers and tokens, and a client that authenticates for real."""

import hashlib
import json
import time
from typing import Any

import factory
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Max
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from accounts.addresses import encode_algorand_address
from accounts.models import Issuer, IssuerMember, Token, User
from audit.models import AuditEvent
from audit.seal import transaction_horizon

VOI = "voimain-v1.0"
ARAMID = "aramidmain-v1.0"
WALLET = "VCMJKWOY5P5P7SKMZFFOCEROPJCZOTIJMNIYNUCKH7LRO45JMJP6UYBIJA"
CID = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"


def wallet(number: int) -> str:
    """Return a valid Algorand address, the same for the same number."""
    return encode_algorand_address(hashlib.sha256(f"wallet {number}".encode()).digest())


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = User

    address = factory.Sequence(wallet)


class IssuerFactory(factory.django.DjangoModelFactory[Issuer]):
    class Meta:
        model = Issuer

    legal_name = factory.Sequence(lambda number: f"Issuer {number} GmbH")
    country = "DE"


class TokenFactory(factory.django.DjangoModelFactory[Token]):
    """A token without the event and the status row that `token_for_write` would make."""

    class Meta:
        model = Token

    network = VOI
    asset_id = factory.Sequence(lambda number: 700_000 + number)
    issuer = factory.SubFactory(IssuerFactory)


def member_of(issuer: Issuer, role: str) -> User:
    user = UserFactory.create()
    IssuerMember.objects.create(issuer=issuer, user=user, role=role)
    return user


def user_with_role(role: str) -> User:
    user = UserFactory.create()
    user.groups.add(Group.objects.get(name=role))
    return user


def client_for(user: User | None, **headers: str) -> APIClient:
    client = APIClient(raise_request_exception=False)
    if user is not None:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(user)}", **headers)
    elif headers:
        client.credentials(**headers)
    return client


def wait_for_horizon() -> None:
    """Wait until everything recorded so far is behind the transaction horizon.

    The horizon is that of the whole PostgreSQL cluster: tests that run beside this one hold it.
    """
    deadline = time.monotonic() + 600
    while True:
        last = AuditEvent.objects.aggregate(xid=Max("xid"), seq=Max("seq"))
        position = last["xid"] if connection.vendor == "postgresql" else last["seq"]
        if position is None or transaction_horizon() > position:
            return
        assert time.monotonic() < deadline, "a transaction of another test holds the horizon"
        time.sleep(0.05)


def event_bodies(name: str | None = None) -> list[dict[str, Any]]:
    rows = AuditEvent.objects.order_by("seq")
    if name is not None:
        rows = rows.filter(name=name)
    return [json.loads(row.body) for row in rows]
