"""A proxy between a program and a server that cuts the connection around the message that a test names."""

from __future__ import annotations

import socket
import threading

BEFORE = "before"
"""The server never gets the message."""
DURING = "during"
"""The server gets the message, and the connection is gone while it works on it."""
AFTER = "after"
"""The server has done it, and its answer is lost."""


class CuttingProxy:
    """Forwards connections to a port of this machine; `arm()` it to cut one of them, once."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._guard = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._armed: tuple[bytes, bytes, str] | None = None
        self.cuts = 0
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, after: bytes, message: bytes, when: str) -> None:
        """Cut the next connection on which `message` is sent when `after` was sent on it before, or with it."""
        self._armed = (after, message, when)

    def close(self) -> None:
        """Cut all connections, and take no more."""
        self._server.close()
        with self._guard:
            for each in self._sockets:
                each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
                server = socket.create_connection(self._target)
            except OSError:
                return
            with self._guard:
                self._sockets += [client, server]
            threading.Thread(target=self._to_server, args=[client, server], daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        muted = threading.Event()
        answered = threading.Event()
        back = threading.Thread(target=self._to_client, args=[client, server, muted, answered], daemon=True)
        back.start()
        seen = b""
        try:
            while data := client.recv(65536):
                seen += data
                when = self._cut_now(seen, data)
                if when is None:
                    server.sendall(data)
                    continue
                if when != BEFORE:
                    muted.set()
                    answered.clear()
                    server.sendall(data)
                if when == AFTER:
                    answered.wait(20)
                break
        except OSError:
            pass
        for each in (client, server):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()

    def _cut_now(self, seen: bytes, data: bytes) -> str | None:
        with self._guard:
            if self._armed is None:
                return None
            after, message, when = self._armed
            if after not in seen or message not in data:
                return None
            self._armed = None
            self.cuts += 1
            return when

    def _to_client(
        self, client: socket.socket, server: socket.socket, muted: threading.Event, answered: threading.Event
    ) -> None:
        try:
            while data := server.recv(65536):
                if not muted.is_set():
                    client.sendall(data)
                answered.set()
        except OSError:
            pass
        answered.set()
        try:
            client.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
