"""What the layers below HTTP raise, told apart and put in few words."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator

from ..errors import RegistryError


class Broken(RegistryError):
    """The connection failed, or the answer broke off; another try may work.

    retry_after: as the server asked for it, if it did.
    """

    def __init__(self, what: str, retry_after: str | None = None) -> None:
        super().__init__(what)
        self.retry_after = retry_after


def failures() -> tuple[type[Exception], ...]:
    """What a connection that fails may raise."""
    import urllib3.exceptions

    return (urllib3.exceptions.HTTPError, OSError)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """A failure and what lies behind it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def reason(error: Exception) -> str:
    """A failure in few words, without the objects that urllib3 shows."""
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, TimeoutError):
            return f"TLS failed: {(cause.reason or 'it broke off').replace('_', ' ').lower()}"
        if isinstance(cause, TimeoutError):
            return "no answer in time"
        if isinstance(cause, http.client.IncompleteRead):
            return "the answer broke off"
        if isinstance(cause, http.client.RemoteDisconnected):
            return "the connection was closed without an answer"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    return str(error) or type(error).__name__


_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "HTTP_REQUEST")


def is_final(error: Exception) -> bool:
    """Whether another try cannot help: a certificate, a name that is unknown, a server without TLS."""
    causes = list(_chain(error))
    unknown = any(isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN for cause in causes)
    distrusted = any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes)
    return unknown or distrusted or is_no_tls(error)


def is_tls(error: Exception) -> bool:
    """Whether it is TLS that failed, and not the connection."""
    return any(isinstance(cause, ssl.SSLError) for cause in _chain(error))


def is_no_tls(error: Exception) -> bool:
    """Whether a failure of TLS tells of a server that speaks something else."""
    return any(isinstance(cause, ssl.SSLError) and cause.reason in _NO_TLS for cause in _chain(error))
