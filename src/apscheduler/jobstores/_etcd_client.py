"""A client of etcd 3 that speaks the JSON gateway, which every etcd server has on its client port.

Why not one of the packages: `etcd3`, which 3.x uses, has had no release for years and needs a protobuf of 2022 that
other packages refuse; what else there is either is made for asyncio only, or brings gRPC along. Of the protocol four
requests are needed here, and urllib3 does all else: connections that are kept and shared between threads, TLS, proxies.
"""

from __future__ import annotations

import json
import socket
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import partial
from threading import Lock
from typing import Any

try:
    import urllib3
except ImportError as exc:
    raise ImportError("EtcdJobStore needs urllib3: pip install 'apscheduler[etcd]'") from exc

CONNECTIONS = 10
CONNECT_TIMEOUT = 5.0
TIMEOUT = 10.0
UNAUTHENTICATED = 16
INVALID_ARGUMENT = 3


_of_the_parent: list[urllib3.HTTPConnectionPool] = []


class EtcdError(Exception):
    """What the server answers instead of doing what it was asked to.

    Attributes:
        code: a status code of gRPC, or that of HTTP where there is none.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class EtcdClient:
    """Talks to an etcd server; may be used from any thread. The first request connects.

    Args:
        host: name or address of the server.
        port: its client port.
        ca_cert: file with the certificates that the server's must be signed by; with it TLS is used.
        cert_key: file with the key of this client's certificate.
        cert_cert: file with this client's certificate.
        timeout: seconds until a request that is not answered is given up; 10 where it is None.
        user: name to sign in with.
        password: of that user.

    Raises:
        EtcdError: the server refuses a request. urllib3.exceptions.HTTPError: it does not answer.
    """

    def __init__(
        self,
        host: str = "localhost",
        port: int = 2379,
        ca_cert: str | None = None,
        cert_key: str | None = None,
        cert_cert: str | None = None,
        timeout: float | None = None,
        user: str | None = None,
        password: str | None = None,
    ) -> None:
        options: dict[str, Any] = {
            "maxsize": CONNECTIONS,
            "retries": False,
            "timeout": urllib3.Timeout(connect=CONNECT_TIMEOUT, read=timeout or TIMEOUT),
            "socket_options": [
                *urllib3.connection.HTTPConnection.default_socket_options,
                (
                    socket.SOL_SOCKET,
                    socket.SO_KEEPALIVE,
                    1,
                ),  # notices a server that is gone while a watch waits
            ],
        }
        self.address = f"{host}:{port}"
        self._new_pool: Callable[[], urllib3.HTTPConnectionPool]
        if ca_cert or cert_cert or cert_key:
            options.update(ca_certs=ca_cert, cert_file=cert_cert, key_file=cert_key)
            self._new_pool = partial(urllib3.HTTPSConnectionPool, host, port, **options)
        else:
            self._new_pool = partial(urllib3.HTTPConnectionPool, host, port, **options)
        self._open = self._new_pool()
        self._credentials = None if user is None else {"name": user, "password": password}
        self._token: str | None = None
        self._lock = Lock()

    def request(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a request, such as `kv/txn`."""
        for attempt in range(2):
            response = self._open.request(
                "POST", f"/v3/{method}", body=json.dumps(body), headers=self._headers()
            )
            answer: dict[str, Any] = _parse(response.data)
            if response.status == 200:
                return answer
            error = _error(response.status, answer)
            if error.code != UNAUTHENTICATED or self._credentials is None or attempt:
                raise error
            with self._lock:
                self._token = None  # it has expired
        raise AssertionError("not reached")

    def stream(self, method: str, bodies: list[dict[str, Any]]) -> EtcdStream:
        """Send requests to a method that goes on answering, such as `watch`, and return what reads the answers."""
        response = self._open.request(
            "POST",
            f"/v3/{method}",
            body="\n".join(map(json.dumps, bodies)),
            headers=self._headers(),
            preload_content=False,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=None),
        )
        if response.status != 200:
            data = response.read()
            response.close()
            raise _error(response.status, _parse(data))
        return EtcdStream(response)

    def close(self) -> None:
        """Close the connections; a later request makes new ones."""
        with self._lock:
            self._open.close()
            self._open = self._new_pool()

    def forked(self) -> None:
        """Leave the connections to the parent process, open and unused; later requests make new ones."""
        _of_the_parent.append(self._open)
        self._lock = Lock()
        self._open = self._new_pool()

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if self._credentials is not None:
            with self._lock:
                if self._token is None:
                    response = self._open.request(
                        "POST", "/v3/auth/authenticate", body=json.dumps(self._credentials), headers=headers
                    )
                    answer = _parse(response.data)
                    if response.status != 200:
                        raise _error(response.status, answer)
                    self._token = answer["token"]
                headers["Authorization"] = self._token
        return headers


class EtcdStream:
    """The answers to a request that goes on: an iterator, which another thread may end."""

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response

    def __iter__(self) -> Iterator[dict[str, Any]]:
        rest = b""
        for data in self._response.stream(65_536):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                if line.strip():
                    answer = _parse(line)
                    if "result" not in answer:
                        raise _error(200, answer.get("error", answer))
                    yield answer["result"]

    def end(self) -> None:
        """Have the iterator end, or raise, in whatever thread it waits."""
        try:
            self._response.shutdown()
        except (OSError, ValueError, RuntimeError):
            pass  # it has ended already

    def close(self) -> None:
        """Free the connection."""
        self._response.close()


def text64(data: bytes) -> str:
    """Return `data` as the gateway wants it."""
    return b64encode(data).decode()


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return {"error": data.decode(errors="replace")[:500]}


def _error(status: int, answer: Any) -> EtcdError:
    if not isinstance(answer, dict):
        answer = {"error": str(answer)}
    message = answer.get("message") or answer.get("error") or f"HTTP status {status}"
    return EtcdError(f"etcd: {message}", answer.get("code") or answer.get("grpc_code") or status)
