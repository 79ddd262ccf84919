"""Routes of the record, its status and its reports."""

from django.urls import path

from compliance.api.views.evaluate import EvaluationViewSet
from compliance.api.views.history import StatusHistoryViewSet
from compliance.api.views.indicators import IndicatorsViewSet
from compliance.api.views.issuer_status import IssuerStatusViewSet
from compliance.api.views.metadata import MetadataViewSet
from compliance.api.views.packages import (
    AttestationPackageViewSet,
    PackageVerificationViewSet,
)
from compliance.api.views.report_files import (
    ReportFileViewSet,
    ReportSchemaViewSet,
    ReportVerificationViewSet,
)
from compliance.api.views.report_jobs import ReportJobViewSet
from compliance.api.views.reports import ReportViewSet
from compliance.api.views.status import TokenStatusViewSet
from compliance.api.views.transfers import SimulationViewSet, TransferValidationViewSet

urlpatterns = [
    # First: every candidate before it costs a comparison, and nothing is asked as often.
    path(
        "whitelist/validate-transfer",
        TransferValidationViewSet.as_view({"post": "create"}),
    ),
    path("compliance", MetadataViewSet.as_view({"post": "upsert", "get": "list"})),
    path("compliance/reports", ReportViewSet.as_view({"post": "create", "get": "list"})),
    path("compliance/reports/verify", ReportVerificationViewSet.as_view({"post": "create"})),
    path(
        "compliance/reports/schema/<str:version>",
        ReportSchemaViewSet.as_view({"get": "retrieve"}),
    ),
    path(
        "compliance/reports/jobs/<uuid:job_id>",
        ReportJobViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
    ),
    path("compliance/reports/<uuid:report_id>", ReportViewSet.as_view({"get": "retrieve"})),
    path(
        "compliance/reports/<uuid:report_id>/download",
        ReportFileViewSet.as_view({"get": "download"}),
    ),
    path(
        "compliance/reports/<uuid:report_id>/bundle", ReportFileViewSet.as_view({"get": "bundle"})
    ),
    path("compliance/attestation", AttestationPackageViewSet.as_view({"post": "create"})),
    path(
        "compliance/attestation-packages/verify",
        PackageVerificationViewSet.as_view({"post": "create"}),
    ),
    path(
        "compliance/attestation-packages/<uuid:package_id>",
        AttestationPackageViewSet.as_view({"get": "retrieve"}),
    ),
    path("compliance/jurisdiction-rules/evaluate", EvaluationViewSet.as_view({"post": "evaluate"})),
    path("compliance/<asset:asset_id>/status", TokenStatusViewSet.as_view({"get": "retrieve"})),
    path(
        "compliance/<asset:asset_id>/status/history",
        StatusHistoryViewSet.as_view({"get": "list"}),
    ),
    path(
        "whitelist/validate-transfers",
        TransferValidationViewSet.as_view({"post": "create_many"}),
    ),
    *(
        path(f"token/{verb}/simulate", SimulationViewSet.as_view({"post": verb}))
        for verb in ("transfer", "mint", "burn")
    ),
    path("issuers/<uuid:issuer_id>/status", IssuerStatusViewSet.as_view({"get": "retrieve"})),
    path(
        "token/<asset:asset_id>/compliance-indicators",
        IndicatorsViewSet.as_view({"get": "retrieve"}),
    ),
    path(
        "compliance/<asset:asset_id>",
        MetadataViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
    ),
]
