"""Round anchors: recorded by people, by the periodic task, and never backwards by the latter."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts import anchors
from accounts.anchors import anchor_record, anchor_set
from accounts.arc14.chain import AlgodChain
from accounts.arc14.verifier import Arc14Error
from accounts.models import RoundAnchor
from accounts.tasks import follow_chain_rounds
from audit.models import AuditEvent
from audit.principal import SYSTEM
from config.api.errors import ValidationFailed

pytestmark = pytest.mark.django_db

VOI, MAINNET, TESTNET = "voimain-v1.0", "mainnet-v1.0", "testnet-v1.0"
NODES = {
    VOI: "http://127.0.0.1:1",
    MAINNET: "http://127.0.0.1:2",
    TESTNET: "http://127.0.0.1:3",
}


def rows():
    return dict(RoundAnchor.objects.values_list("network", "round"))


@pytest.fixture
def nodes(monkeypatch, settings):
    """What each node answers: the bounds of its estimate, or an error."""
    settings.ARC14_ALGOD_URLS = dict(NODES)
    answers = {VOI: (500, 501), MAINNET: Arc14Error("CHAIN_UNAVAILABLE"), TESTNET: (700, 701)}

    def round_bounds(self, network):
        answer = answers[network]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(AlgodChain, "round_bounds", round_bounds)
    return answers


def test_the_task_notes_every_node_that_answers(nodes, caplog):
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        follow_chain_rounds()
    assert rows() == {VOI: 500, TESTNET: 700}
    assert set(RoundAnchor.objects.values_list("observed_at", flat=True)) == {now}
    [warning] = caplog.records
    assert (warning.levelname, warning.network) == ("WARNING", MAINNET)
    assert AuditEvent.objects.count() == 0


def test_a_node_that_comes_back_is_noted_the_next_time(nodes):
    assert anchors.anchors_follow() == 2
    nodes[MAINNET] = (900, 901)
    nodes[VOI] = (510, 511)
    assert anchors.anchors_follow() == 3
    assert rows() == {VOI: 510, MAINNET: 900, TESTNET: 700}


def test_a_node_that_is_behind_changes_nothing(nodes):
    anchors.anchors_follow()
    nodes[VOI] = (499, 500)
    nodes[TESTNET] = (800, 806)  # its last block is old
    assert anchors.anchors_follow() == 1
    assert rows() == {VOI: 500, TESTNET: 700}


def test_an_address_that_is_no_address_does_not_stop_the_others(nodes, settings):
    settings.ARC14_ALGOD_URLS = {"a-network-of-nobody": "ftp://x", **NODES}
    assert anchors.anchors_follow() == 2


def test_without_nodes_there_is_nothing_to_do(settings):
    settings.ARC14_ALGOD_URLS = {}
    follow_chain_rounds()
    assert rows() == {}


def test_a_recorded_round_never_goes_back():
    now = timezone.now()
    assert anchor_record(network="voi", round_number=100, observed_at=now) is True
    assert anchor_record(network=VOI, round_number=99, observed_at=now) is False
    assert anchor_record(network=VOI, round_number=100, observed_at=now) is False
    later = now + timedelta(seconds=30)
    assert anchor_record(network=VOI, round_number=100, observed_at=later) is True
    assert RoundAnchor.objects.get().observed_at == later
    assert anchor_record(network=VOI, round_number=110, observed_at=later) is True
    assert rows() == {VOI: 110}


def test_a_person_can_set_it_back_and_that_is_recorded(events):
    anchor_set(actor=SYSTEM, network=VOI, round_number=100)
    anchor_set(actor=SYSTEM, network="Voi", round_number=50)
    assert rows() == {VOI: 50}
    recorded = events("accounts.anchor.recorded")
    assert [(e["network"], e["details"]) for e in recorded] == [
        (VOI, {"round": "100"}),
        (VOI, {"round": "50"}),
    ]


@pytest.mark.parametrize(
    ("network", "number"), [("base-mainnet", 5), ("nobody", 5), (VOI, -1), (VOI, 2**63)]
)
@pytest.mark.parametrize("service", [anchor_record, lambda **kw: anchor_set(actor=SYSTEM, **kw)])
def test_what_is_no_round_of_an_algorand_network_is_refused(service, network, number):
    with pytest.raises(ValidationFailed):
        service(network=network, round_number=number)
    assert rows() == {}
    assert AuditEvent.objects.count() == 0
