"""Django's settings, derived from the GOV_* environment."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from governance.databases import databases
from governance.environment import BadEnvironment, read_environment, split_address
from governance.secret import kept

BASE_DIR = Path(__file__).resolve().parent.parent
GOV = read_environment()
DATA_DIR = GOV.data_dir.resolve()

os.umask(0o077)  # databases, sockets and exports are for this user alone
try:
    DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
except OSError as error:
    raise BadEnvironment(f"GOV_DATA_DIR: cannot use {DATA_DIR}: {error.strerror}") from None

SECRET_KEY = GOV.secret_key or kept(DATA_DIR / "secret-key")
if len(SECRET_KEY) < 40:
    raise BadEnvironment("GOV_SECRET_KEY must have at least 40 characters")

DEBUG = False
_host, _port = split_address(GOV.http_addr)
# Verifiers ask for revocation lists under the name that stands in certificates.
_pki_host = urlsplit(GOV.public_pki_url).hostname or _host
ALLOWED_HOSTS = list(
    dict.fromkeys(
        [
            _host,
            _pki_host,
            "localhost",
            "127.0.0.1",
            "[::1]",
            *filter(None, map(str.strip, GOV.allowed_hosts.split(","))),
        ]
    )
)
CSRF_TRUSTED_ORIGINS = list(GOV.origins)
# TLS ends at a proxy: an allowed origin of https says that browsers come by it.
BEHIND_TLS = any(origin.startswith("https://") for origin in GOV.origins)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "rest_framework",
    "drf_spectacular",
    "csp",
    "governance",
    "gateway",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "gateway.headers.careful_headers",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "gateway.sessions.session_times",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "gateway.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "gateway.pages.frame.frame",
            ],
            "builtins": ["gateway.pages.tags"],
        },
    }
]

# Browser sessions. Their length is kept by gateway.sessions; the cookie ends with the browser.
SESSION_COOKIE_NAME = "__Host-governor_session" if BEHIND_TLS else "governor_session"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SESSION_COOKIE_SAMESITE = "Lax"  # Strict would show the sign-in page to everyone who follows a link from elsewhere
CSRF_COOKIE_NAME = "__Host-governor_csrf" if BEHIND_TLS else "governor_csrf"
CSRF_COOKIE_HTTPONLY = True  # pages carry the token themselves
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_AGE = None
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_TLS else 0
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "object-src": ["'none'"],
    }
}

# Signing in: a name and a password, nothing else yet.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "gateway.sign_in.SignIn"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
# By address, never by name alone: a stranger must not be able to lock a person out.
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "5/m/ip,30/h/ip", "change_password": "5/m/user"}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": GOV.redis_url}
    if GOV.redis_url
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": ["gateway.rest.parsing.StrictJson"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "gateway.rest.parsing.AlwaysJson",
    "DEFAULT_SCHEMA_CLASS": "gateway.rest.schema.DeclaredSchema",
    "DEFAULT_METADATA_CLASS": None,
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "Governor",
    "VERSION": "1",
    "DESCRIPTION": "The JSON twin of governor.admin.v1: the same commands and queries, permissions and refusals.",
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer", "description": "An API token, gov_..."},
            "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE_NAME},
        }
    },
    "SECURITY": [{"token": []}, {"session": []}],
    # Two fields of different names hold it, and it would get a made-up name.
    "ENUM_NAME_OVERRIDES": {"LoggedEnum": ["logged", "not_logged", "unknown"]},
}

DATABASES = databases(DATA_DIR, GOV.database_url)
DATABASE_ROUTERS = ["governance.databases.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

LOGGING_CONFIG = "governance.logs.configure"
LOGGING = {"format": GOV.log_format}

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static" / "dist"]
WHITENOISE_USE_FINDERS = True  # serve what the build made, without collecting it first
