"""What the benchmarks are about: a token with a record, its owner, and requests over WSGI."""

import hashlib
import io
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.utils import timezone

from accounts.addresses import encode_algorand_address
from accounts.arc14.signer import sign_arc14
from accounts.models import RoundAnchor, Token, User
from accounts.services import user_by_address
from accounts.signatures import policy
from audit.principal import SYSTEM
from compliance.services.metadata import metadata_upsert
from jurisdictions.loading import rules_load

ASSET, NETWORK = 50001, "voimain-v1.0"
ROUND = 46_916_000
SEED = hashlib.sha256(b"benchmark wallet").digest()
_ENVIRON = {
    "SERVER_NAME": "benchmark.example",
    "SERVER_PORT": "443",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_HOST": "benchmark.example",
    "HTTP_ACCEPT": "application/json",
    "HTTP_USER_AGENT": "benchmark",
    "REMOTE_ADDR": "192.0.2.1",
    "SCRIPT_NAME": "",
    "wsgi.url_scheme": "https",
    "wsgi.version": (1, 0),
    "wsgi.multithread": False,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


def token_with_record() -> tuple[Token, User]:
    """Load the baseline and record metadata for one token, as its owner would."""
    rules_load(actor=SYSTEM, activate=("global-baseline",))
    owner = user_by_address(address=wallet_address())
    now = timezone.now()
    metadata = metadata_upsert(
        actor=owner,
        asset_id=ASSET,
        network=NETWORK,
        changes={
            "kyc_provider": "Sumsub",
            "kyc_verification_date": now - timedelta(days=30),
            "verification_status": "Verified",
            "jurisdiction": "GLOBAL",
            "next_compliance_review": now + timedelta(days=170),
            "asset_type": "Warehouse receipt",
        },
    )
    return metadata.token, owner


def wallet_address() -> str:
    """Return the address of the wallet that signs."""
    from nacl.signing import SigningKey

    return encode_algorand_address(bytes(SigningKey(SEED).verify_key))


def sigtx(round_: int = ROUND) -> str:
    """Return an `Authorization` header of the wallet, and note the round that it assumes."""
    RoundAnchor.objects.update_or_create(
        network=NETWORK, defaults={"round": round_, "observed_at": timezone.now()}
    )
    return sign_arc14(SEED, policy().realms[0], NETWORK, round_)


def environment(path: str, query: str = "", body: bytes = b"") -> dict[str, Any]:
    """Return what a server would hand to a WSGI application for this request."""
    environ = {
        **_ENVIRON,
        "REQUEST_METHOD": "POST" if body else "GET",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
    }
    if body:
        environ |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
    return environ


def call_wsgi(application: Any, environ: dict[str, Any]) -> bytes:
    """Return the body of the answer; anything but 200 is an error of the benchmark."""
    status = ""

    def start_response(line: str, headers: list[tuple[str, str]]) -> None:
        nonlocal status
        status = line

    response = application(environ, start_response)
    content = b"".join(response)
    if hasattr(response, "close"):
        response.close()
    if not status.startswith("200"):
        raise RuntimeError(f"{environ['PATH_INFO']}: {status} {content.decode()[:300]}")
    return content


def requester(authorization: str) -> Callable[..., bytes]:
    """Return a function that sends a request to the whole application, in this process."""
    application = get_wsgi_application()

    def send(path: str, query: str = "", body: bytes = b"") -> bytes:
        environ = environment(path, query, body)
        environ["HTTP_AUTHORIZATION"] = authorization
        return call_wsgi(application, environ)

    return send
