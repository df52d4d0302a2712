"""A connection that breaks at a chosen moment: a relay between a client and a server that cuts it off."""

from __future__ import annotations

import socket
import threading


class CuttingProxy:
    """Relays to a port of this machine; each call of `cut()` breaks one connection at the next `EVALSHA` or `EVAL`.

    `where` is "before" (the server sees nothing of it), "during" (it sees a half) or "after" (it answers, and the
    answer is lost).
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._armed: list[str] = []
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, where: str, times: int = 1) -> None:
        self._armed += [where] * times

    def close(self) -> None:
        for one in (self._listener, *self._sockets):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            self._sockets += [client, server]
            drop = threading.Event()
            threading.Thread(target=self._forward, args=(client, server, drop), daemon=True).start()
            threading.Thread(target=self._back, args=(server, client, drop), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket, drop: threading.Event) -> None:
        try:
            while data := client.recv(65536):
                if self._armed and b"EVAL" in data:
                    self.cuts += 1
                    where = self._armed.pop(0)
                    if where == "after":
                        drop.set()
                        server.sendall(data)
                        continue
                    if where == "during":
                        server.sendall(data[: len(data) // 2])
                    break
                server.sendall(data)
        except OSError:
            pass
        _end(client, server)

    def _back(self, server: socket.socket, client: socket.socket, drop: threading.Event) -> None:
        try:
            while data := server.recv(65536):
                if drop.is_set():
                    break
                client.sendall(data)
        except OSError:
            pass
        _end(client, server)


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
