"""Stands before a stand-in for RethinkDB and lets one query in at a time, so that each is atomic, as a change is in RethinkDB.

python rethink_gate.py PORT PORT_BEHIND

The handshake passes through. After it, a message is a token, a length and JSON, in both directions. What begins a query
waits until the one before has been answered for the first time; a feed of changes goes on being answered after that.
"""

import asyncio
import struct
import sys

HEAD = struct.Struct("<QI")
START, NOREPLY_WAIT = b"[1", b"[4"
WAITED = b'{"t":4,"r":[]}'


class Gate:
    """One connection, and the one behind it. `turn` is shared by all."""

    def __init__(self, turn, client, server):
        self._turn = turn
        self._from_client, self._to_client = client
        self._from_server, self._to_server = server
        self._waited_for = None
        self._answered = asyncio.Event()

    async def serve(self):
        back = asyncio.create_task(self._answers())
        try:
            await self._queries()
        except (asyncio.IncompleteReadError, OSError):
            pass
        # What the client has begun is done, also where it does not wait for the answer.
        if self._waited_for is not None:
            await asyncio.wait(
                [asyncio.create_task(self._answered.wait()), back], timeout=20, return_when="FIRST_COMPLETED"
            )
        self._to_server.close()
        await asyncio.wait([back])
        self._to_client.close()

    async def _queries(self):
        self._to_server.write(await self._from_client.readexactly(4))
        for _ in range(2):
            self._to_server.write(await self._from_client.readuntil(b"\0"))
        while True:
            head = await self._from_client.readexactly(HEAD.size)
            token, length = HEAD.unpack(head)
            query = await self._from_client.readexactly(length)
            if query.startswith(START):
                await self._turn.acquire()
                self._answered.clear()
                self._waited_for = token
            if query.startswith(NOREPLY_WAIT):  # which reqlite does not know, and nothing is waiting here
                self._to_client.write(HEAD.pack(token, len(WAITED)) + WAITED)
            else:
                self._to_server.write(head + query)

    async def _answers(self):
        try:
            for _ in range(3):
                self._to_client.write(await self._from_server.readuntil(b"\0"))
            while True:
                head = await self._from_server.readexactly(HEAD.size)
                token, length = HEAD.unpack(head)
                answer = await self._from_server.readexactly(length)
                self._done(token)
                self._to_client.write(head + answer)
        except (asyncio.IncompleteReadError, OSError):
            self._done(self._waited_for)
            self._to_client.close()

    def _done(self, token):
        if token is not None and token == self._waited_for:
            self._waited_for = None
            self._turn.release()
            self._answered.set()


async def main(port, behind):
    turn = asyncio.Lock()
    tasks = set()

    async def serve(*client):
        tasks.add(asyncio.current_task())
        server = await asyncio.open_connection("127.0.0.1", behind, limit=1 << 20)
        await Gate(turn, client, server).serve()
        tasks.discard(asyncio.current_task())

    async with await asyncio.start_server(serve, "127.0.0.1", port, limit=1 << 20) as gate:
        await gate.serve_forever()


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
