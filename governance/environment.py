"""The GOV_* environment, read once at the start into one frozen value."""

import os
import re
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

_ADDRESS = re.compile(r"(?P<host>[^:\[\]]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")
_HOST = re.compile(r"\*|\.?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\]")
_ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?/?")
_PROXY = re.compile(r"\*|[0-9a-fA-F.:]*[.:][0-9a-fA-F.:]*(?:/\d{1,3})?")
_TRUST_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}")
_URL = re.compile(
    r"http://(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?(?:/[A-Za-z0-9._~/-]*)?"
)
PREFIX = "GOV_"
SECRETS = (
    *("admin_password", "database_url", "redis_url", "secret_key"),
    *("key_encryption_key", "key_encryption_key_old", "key_passphrase"),
)


class BadEnvironment(ValueError):
    """A GOV_* variable is unknown or unusable; the message names it and says what is allowed."""


def split_address(text: str) -> tuple[str, int]:
    """`host:port` (IPv6 hosts in brackets) as a pair; port 0 means any free one."""
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) > 65535:
        raise BadEnvironment(f"{text!r} is not host:port with a port of 0 to 65535")
    return match["host"].strip("[]"), int(match["port"])


class Environment(BaseSettings):
    """Each field is the variable GOV_<NAME>; each of SECRETS may instead be read from the file GOV_<NAME>_FILE."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data_dir: Path = Path("var")
    http_addr: str = "127.0.0.1:8000"
    # The same as http_addr, over TLS with certificates of ours; empty: not at all, as behind a proxy that ends TLS.
    https_addr: str = "127.0.0.1:8444"
    grpc_addr: str = "127.0.0.1:8443"
    admin_password: str = Field(default="", repr=False)
    database_url: str = Field(default="", repr=False)
    redis_url: str = Field(default="", repr=False)
    secret_key: str = Field(default="", repr=False)
    # What seals private keys: 32 bytes in base64 or hex, or a passphrase; without either, a file of its own.
    key_encryption_key: str = Field(default="", repr=False)
    key_passphrase: str = Field(default="", repr=False)
    # What sealed them before: it opens what `manage.py rewrap_keys` has not yet put under the one above.
    key_encryption_key_old: str = Field(default="", repr=False)
    # The name in all SPIFFE IDs here, for good: spiffe://<trust domain>/ns/<namespace>/sa/<workload>.
    trust_domain: str = "governor.internal"
    # Where revocation lists and OCSP answers are found; it stands in every certificate. Default: the HTTP address.
    pki_url: str = ""
    # A log list (v3 JSON) of logs besides our own in which certificates of ours are to be; empty: our own alone.
    ct_logs: str = ""
    # The public log list that the logs of the world are known from: an https:// address or a file; empty: none.
    ct_log_list: str = ""
    # The public key (PEM) that signs it, beside it as <list without .json>.sig; needed for an address.
    ct_log_list_key: str = ""
    # "plaintext" opens the gRPC port without TLS: every program that reaches it is taken for a data plane.
    grpc_tls: Literal["mutual", "plaintext"] = "mutual"
    # Origins (scheme://host[:port]) besides the server's own from which browsers may call; comma-separated.
    allowed_origins: str = ""
    # Host names besides those of http_addr under which the dashboard is served; comma-separated.
    allowed_hosts: str = ""
    # Peers whose X-Forwarded-* headers are believed; comma-separated addresses.
    trusted_proxies: str = ""
    log_format: Literal["text", "json"] = "text"

    @model_validator(mode="after")
    def _usable(self) -> Self:
        for name in ("http_addr", "https_addr", "grpc_addr"):
            try:
                if name != "https_addr" or self.https_addr:
                    split_address(getattr(self, name))
            except BadEnvironment as error:
                raise ValueError(f"{PREFIX}{name.upper()}: {error}") from None
        if not _TRUST_DOMAIN.fullmatch(self.trust_domain):
            raise ValueError("GOV_TRUST_DOMAIN must be 1 to 255 of a-z, 0-9, '.', '-' and '_', such as example.org")
        if self.pki_url and not _URL.fullmatch(self.pki_url):
            raise ValueError("GOV_PKI_URL must be http://host[:port][/path]: verifiers ask there before any TLS")
        if self.ct_log_list.startswith("http://"):
            raise ValueError("GOV_CT_LOG_LIST must be https://... or a file")
        if self.ct_log_list and not self.ct_log_list_key:
            raise ValueError("GOV_CT_LOG_LIST_KEY is missing: a log list is believed by its signature alone")
        if self.key_encryption_key and self.key_passphrase:
            raise ValueError("GOV_KEY_ENCRYPTION_KEY and GOV_KEY_PASSPHRASE are both set; use one")
        if self.key_passphrase and len(self.key_passphrase) < 16:
            raise ValueError("GOV_KEY_PASSPHRASE must have at least 16 characters")
        _check_each(
            "allowed_origins", self.allowed_origins, _ORIGIN, "http://host or https://host, with a port if need be"
        )
        _check_each("trusted_proxies", self.trusted_proxies, _PROXY, "an IP address or network")
        _check_each("allowed_hosts", self.allowed_hosts, _HOST, "a host name without scheme, port and path")
        if self.database_url and urlsplit(self.database_url).scheme not in ("postgresql", "postgres"):
            raise ValueError("GOV_DATABASE_URL must be postgresql://..., or absent for SQLite in the data directory")
        if self.redis_url and urlsplit(self.redis_url).scheme not in ("redis", "rediss", "unix"):
            raise ValueError("GOV_REDIS_URL must be redis://, rediss:// or unix://")
        return self

    @property
    def public_pki_url(self) -> str:
        """Where revocation lists and OCSP answers are found."""
        return self.pki_url or f"http://{self.http_addr}/pki"

    @property
    def origins(self) -> tuple[str, ...]:
        """The additional browser origins that are allowed."""
        return tuple(origin.strip().rstrip("/") for origin in self.allowed_origins.split(",") if origin.strip())


def _check_each(name: str, value: str, allowed: re.Pattern[str], words: str) -> None:
    for each in filter(None, map(str.strip, value.split(","))):
        if not allowed.fullmatch(each):
            raise ValueError(f"{PREFIX}{name.upper()}: {each!r} is not {words}")


def read_environment(source: dict[str, str] | None = None) -> Environment:
    """The environment as a value; raises BadEnvironment on an unknown or unusable GOV_* variable."""
    variables = dict(os.environ if source is None else source)
    given = {name: value for name, value in variables.items() if name.startswith(PREFIX)}
    known = {PREFIX + name.upper() for name in Environment.model_fields}
    files = {PREFIX + name.upper() + "_FILE" for name in SECRETS}
    if unknown := sorted(set(given) - known - files):
        allowed = ", ".join(sorted(known | files))
        raise BadEnvironment(f"unknown setting {unknown[0]}; there are {allowed}")
    values: dict[str, Any] = {name[len(PREFIX) :].lower(): value for name, value in given.items() if name in known}
    for name in sorted(files & set(given)):
        field = name[len(PREFIX) : -len("_FILE")].lower()
        if field in values:
            raise BadEnvironment(f"both {PREFIX}{field.upper()} and {name} are set; use one")
        try:
            values[field] = Path(given[name]).read_text().strip()
        except OSError as error:
            raise BadEnvironment(f"{name}: {error.strerror}: {given[name]}") from None
    try:
        return Environment.model_validate(values)
    except ValidationError as error:
        raise BadEnvironment("; ".join(_sentence(fault) for fault in error.errors())) from None


def _sentence(fault: ErrorDetails) -> str:
    name = "".join(f"{PREFIX}{str(place).upper()}: " for place in fault["loc"])
    return name + fault["msg"].removeprefix("Value error, ")
