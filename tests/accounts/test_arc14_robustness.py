from base64 import b64decode
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.arc14.verifier import Arc14Error, VerifiedSignature
from tests.accounts.arc14_headers import (
    ADDRESS,
    GOOD_RAW,
    PUBLIC,
    ROUND,
    Chain,
    multisig_header,
    pack,
    payment,
    to_header,
    verified,
)


def outcome(text: str) -> VerifiedSignature | None:
    try:
        return verified(text, Chain(rekeyed={ADDRESS[4]: ADDRESS[5]}))
    except Arc14Error:
        return None


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=200))
def test_random_text_is_refused(text: str) -> None:
    assert outcome(text) is None
    assert outcome("SigTx " + text) is None


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_are_refused(raw: bytes) -> None:
    assert outcome(to_header(raw)) is None


@settings(max_examples=800, deadline=None)
@given(st.data())
def test_changed_header_never_verifies(data: st.DataObject) -> None:
    source = data.draw(
        st.sampled_from([GOOD_RAW, b64decode(multisig_header([1, 2, 3], [1, 3], 2)[6:])])
    )
    raw = bytearray(source)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(raw)))
        end = min(len(raw), start + data.draw(st.integers(0, 4)))
        raw[start:end] = data.draw(st.binary(max_size=4))
    result = outcome(to_header(bytes(raw)))
    if bytes(raw) == source:
        assert result is not None
    else:
        assert result is None


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.binary(max_size=70)
    | st.text(max_size=20)
    | st.sampled_from([PUBLIC[1], bytes(32), bytes(64), b"s" * 64, "pay", 0, 1, ROUND])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["pk", "s", "v", "thr", "subsig", "a"])
            | st.integers(-(2**63), 2**64 - 1)
            | st.binary(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=800, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["sig", "msig", "sgnr", "lsig", "txn", "zz"]), VALUES, max_size=3
    ),
    st.dictionaries(
        st.sampled_from(["amt", "close", "fee", "fv", "gen", "gh", "lv", "note", "rcv", "snd"]),
        VALUES,
        max_size=3,
    ),
)
def test_well_packed_nonsense_is_refused(envelope: dict[str, Any], changes: dict[str, Any]) -> None:
    txn = payment(**changes)
    fields = {"txn": txn} | envelope
    text = to_header(pack({key: fields[key] for key in sorted(fields)}))
    assert outcome(text) is None
