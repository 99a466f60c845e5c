"""How govctl connects: in plain text, by roots it trusts, or with a certificate of its own."""

import os
from dataclasses import dataclass
from pathlib import Path

import grpc

from gateway.cli.failures import USAGE, Failure

OWN_DIRECTORY = Path("governor") / "govctl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """What was asked for. Without anything, the directory of govctl's own identity is used if it is there."""

    cert_dir: Path | None = None
    ca_file: Path | None = None
    plaintext: bool = False

    def __post_init__(self) -> None:
        if self.plaintext and (self.cert_dir or self.ca_file):
            raise Failure("--plaintext goes neither with --cert-dir nor with --ca-file", USAGE)

    @property
    def directory(self) -> Path | None:
        """Where the identity lies; None when none is shown."""
        if self.plaintext or self.cert_dir or self.ca_file:
            return self.cert_dir
        home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        found = home / OWN_DIRECTORY
        return found if found.is_dir() else None

    def credentials(self) -> grpc.ChannelCredentials | None:
        """What to connect with; None for plain text. Failure when a file cannot be used."""
        directory = self.directory
        if directory is None:
            return grpc.ssl_channel_credentials(_text(self.ca_file)) if self.ca_file else None
        from gateway.agent.identity import load
        from governance.kernel.errors import GovernanceError

        try:
            identity = load(directory)
        except GovernanceError as error:
            raise Failure(f"{directory} holds no usable identity: {error}", USAGE) from None
        roots = _text(self.ca_file) if self.ca_file else identity.roots_pem
        return grpc.ssl_channel_credentials(roots, identity.pair.key_pem, identity.pair.chain_pem)

    def hint(self, said: str) -> str:
        """What may help against `said`, which gRPC says when it cannot connect; empty when nothing comes to mind."""
        closed = "Socket closed" in said or "reset by peer" in said
        directory = self.directory
        if directory is None and self.ca_file is None:
            return "if it speaks TLS, give --cert-dir or --ca-file" if closed else ""
        if "WRONG_VERSION_NUMBER" in said:
            return "it speaks plain text: give --plaintext"
        if "CERTIFICATE_VERIFY_FAILED" in said:
            return f"its certificate is not by the roots in {self.ca_file or directory}"
        if "Hostname Verification" in said:
            return "its certificate is for other names"
        if closed and directory is None:
            return "it wants a certificate: give --cert-dir"
        return f"it may not accept the certificate in {directory}" if closed else ""


def _text(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}", USAGE) from None
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise Failure(f"{path} holds no certificate in PEM", USAGE)
    return content
