# syntax=docker/dockerfile:1
FROM python:3.11-slim AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 UV_PYTHON_DOWNLOADS=never UV_NO_CACHE=1
WORKDIR /app
COPY requirements-tools.lock requirements.lock ./
RUN python -m pip install --target /opt/tools --require-hashes --no-deps -r requirements-tools.lock \
    && /opt/tools/bin/uv venv --python /usr/local/bin/python /opt/venv \
    && /opt/tools/bin/uv pip sync --python /opt/venv/bin/python --require-hashes \
        --compile-bytecode requirements.lock

COPY . .
# The key only lets Django start to collect files: it is in no layer of the final image.
RUN SECRET_KEY=collectstatic-needs-one-and-keeps-none-of-it \
    DJANGO_SETTINGS_MODULE=config.settings.production \
    /opt/venv/bin/python manage.py collectstatic --no-input \
    && /opt/venv/bin/python -m compileall -q config audit accounts jurisdictions attestations \
        whitelist deployments compliance


FROM python:3.11-slim

RUN groupadd --system --gid 10001 assayer \
    && useradd --system --uid 10001 --gid assayer --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin assayer \
    && install --directory --owner assayer --group assayer --mode 0700 /exports
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings.production
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
USER 10001:10001
EXPOSE 8000

# The worker and the beat answer no HTTP: compose.yaml replaces this check for them.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 CMD ["python", "-c", "\
import os, urllib.request; \
host = os.environ.get('ALLOWED_HOSTS', 'localhost').split(',')[0].strip().lstrip('.'); \
request = urllib.request.Request('http://127.0.0.1:8000/health/live', headers={'Host': host}); \
urllib.request.urlopen(request, timeout=4)"]

CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", \
    "--blocking-threads", "4", "--respawn-failed-workers", "--workers-kill-timeout", "30s", \
    "config.wsgi:application"]
