"""The WSGI entry point, served by granian."""

import os

from django.core.wsgi import get_wsgi_application

from config.checks import require_production

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

require_production()
application = get_wsgi_application()
