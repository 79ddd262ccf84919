"""What the OpenAPI document promises, held against a live server by schemathesis.

No answer is a 5xx, every status and media type is documented, every body has its documented shape.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from pytest_django.live_server_helper import LiveServer
from rest_framework_simplejwt.tokens import AccessToken

from audit.principal import SYSTEM
from jurisdictions.loading import rules_load
from tests.contract.world import ASSET, World, make_status_fresh, make_world

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "ignored_auth",
)
LOGOUT = "/api/v1/auth/logout"  # it ends the session of the run, so it comes last and alone


@pytest.fixture
def world(transactional_db: None) -> World:
    rules_load(actor=SYSTEM, activate=("global-baseline",))
    world = make_world()
    make_status_fresh(world)
    return world


def _run(server: LiveServer, world: World, folder: Path, *options: str) -> None:
    # What exists, for half of the requests to reach more than a 404.
    (folder / "schemathesis.toml").write_text(
        f"""
[parameters]
"path.assetId" = {ASSET}
"path.attestationId" = "{world.by_owner.pk}"
"path.reportId" = "{world.report.pk}"
"path.packageId" = "{world.package.pk}"
"path.exportId" = "{world.export.pk}"
"path.jobId" = "{world.job.pk}"
"path.deploymentId" = "{world.deployment.pk}"
"""
    )
    bearer = AccessToken.for_user(world.user("administrator"))
    command = [str(Path(sys.executable).with_name("schemathesis"))]
    command += ["--config-file", str(folder / "schemathesis.toml")]
    command += ["run", f"{server.url}/api/schema", "--header", f"Authorization: Bearer {bearer}"]
    # Every boundary value of every parameter, minutes of requests, on the reference database alone.
    coverage = ",coverage" if connection.vendor == "postgresql" else ""
    command += ["--checks", ",".join(CHECKS), "--phases", f"examples{coverage},fuzzing"]
    command += ["--max-examples", "5", "--seed", "1", "--generation-database", "none"]
    command += ["--suppress-health-check", "all", "--warnings", "off", "--no-color", *options]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=1_200, check=False
    )
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]


def test_every_operation_keeps_what_it_documents(
    live_server: LiveServer, world: World, tmp_path: Path
) -> None:
    _run(live_server, world, tmp_path, "--exclude-path", LOGOUT)


def test_log_out_keeps_what_it_documents(
    live_server: LiveServer, world: World, tmp_path: Path
) -> None:
    _run(live_server, world, tmp_path, "--include-path", LOGOUT)
