"""Whom TLS trusts, and by what we say who we are: the files that the settings or the environment name."""

import os
import ssl
from pathlib import Path

import certifi
from urllib3.util.ssl_ import create_urllib3_context

from imagebot.registry.errors import UntrustedCertificate, UnusableClientCertificate
from imagebot.registry.host import ClientCertificate, RegistryHost

# Where other programs find the authorities of this machine, in the order that requests and curl have.
_CA_BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")


def find_ca_bundle(host: RegistryHost) -> Path:
    """Find the authorities: the registry's own, the machine's where its environment names them, or Mozilla's.

    It is a PEM file, or a folder of such. Raises UntrustedCertificate.
    """
    if host.ca_file is not None:
        _check_ca_file(host.ca_file, host.name)
        return host.ca_file
    for name in _CA_BUNDLE_VARIABLES:
        if bundle := os.environ.get(name):
            if not Path(bundle).exists():
                raise UntrustedCertificate(host.name, f"{name} names {bundle}, which is not there")
            return Path(bundle)
    return Path(certifi.where())


def make_context(ca_bundle: Path, certificate: ClientCertificate | None) -> ssl.SSLContext:
    """Make what verifies servers, and shows them the certificate if they ask who we are."""
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    if ca_bundle.is_dir():
        context.load_verify_locations(capath=ca_bundle)
    else:
        context.load_verify_locations(cafile=ca_bundle)
    if certificate is not None:
        _load(context, certificate)
    return context


def check_client_certificate(host: RegistryHost) -> None:
    """Raise UnusableClientCertificate if the files that the settings name cannot be used."""
    certificate = host.client_certificate
    if certificate is None:
        return
    files = f"{certificate.certificate_file} and {certificate.key_file}"
    try:
        _load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate)
    except ssl.SSLError as error:
        reason = f"{files} are no certificate and its key, or the key has a passphrase"
        raise UnusableClientCertificate(host.name, reason) from error
    except OSError as error:
        raise UnusableClientCertificate(host.name, f"{files} cannot be read: {error.strerror}") from error


def _load(context: ssl.SSLContext, certificate: ClientCertificate) -> None:
    # An empty passphrase, as OpenSSL would ask for one on the terminal.
    context.load_cert_chain(certificate.certificate_file, certificate.key_file, password="")


def _check_ca_file(file: Path, registry: str) -> None:
    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError as error:
        raise UntrustedCertificate(registry, f"the ca_file {file} holds no certificate") from error
    except OSError as error:
        raise UntrustedCertificate(registry, f"the ca_file {file} cannot be read: {error.strerror}") from error
