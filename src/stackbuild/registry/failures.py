"""What the layers below HTTP raise, told apart and put in few words."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator


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
        if isinstance(cause, TimeoutError):
            return "no answer in time"
        if isinstance(cause, http.client.IncompleteRead):
            return "the answer broke off"
        if isinstance(cause, http.client.RemoteDisconnected):
            return "the connection was closed without an answer"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    return str(error) or type(error).__name__


def is_final(error: Exception) -> bool:
    """Whether another try cannot help: a name that is unknown, TLS that the other side does not speak."""
    return any(isinstance(cause, ssl.SSLError | socket.gaierror) for cause in _chain(error))


def is_certificate(error: Exception) -> bool:
    """Whether it is the other side's certificate that is not trusted."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _chain(error))


def is_no_tls(error: Exception) -> bool:
    """Whether a failure of TLS tells of a server that speaks plain HTTP."""
    causes = list(_chain(error))
    if is_certificate(error) or any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return False
    signs = (ssl.SSLError, ConnectionError, http.client.HTTPException)
    return any(isinstance(cause, signs) for cause in causes)
