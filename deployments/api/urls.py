"""Routes of deployments."""

from django.urls import path

from deployments.api.trails import DeploymentTrailViewSet
from deployments.api.views import DeploymentViewSet

_deployments = DeploymentViewSet
_trails = DeploymentTrailViewSet
_ONE = "token/deployments/<uuid:deployment_id>"

urlpatterns = [
    path("token/deployments", _deployments.as_view({"get": "list", "post": "create"})),
    path("token/deployments/metrics", _deployments.as_view({"get": "metrics"})),
    path("token/deployments/audit-trail/export", _trails.as_view({"post": "many"})),
    path(_ONE, _deployments.as_view({"get": "retrieve"})),
    path(f"{_ONE}/history", _deployments.as_view({"get": "history"})),
    path(f"{_ONE}/events", _deployments.as_view({"get": "events"})),
    path(f"{_ONE}/cancel", _deployments.as_view({"post": "cancel"})),
    path(f"{_ONE}/retry", _deployments.as_view({"post": "retry"})),
    path(f"{_ONE}/audit-trail", _trails.as_view({"get": "one"})),
]
