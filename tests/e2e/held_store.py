#!/usr/bin/env python3
"""held_store.py PORT STORE_PORT COUNT HELD: a way to etcd at PORT that lets COUNT transactions pass. With the next one it holds all
that comes, makes the file HELD, and answers nobody any more. Runs until it is killed."""

import asyncio
import pathlib
import sys

TRANSACTION = b"POST /v3/kv/txn"


class Way:
    def __init__(self, store, count, held):
        self._store = store
        self._left = count
        self._held = held
        self._is_closed = asyncio.Event()

    async def _pass_on(self, source, target, is_request):
        seen = b""
        while data := await source.read(1 << 16):
            if is_request:
                # One that is cut between two reads is found with the end of the one before.
                found = (seen + data).count(TRANSACTION) - seen.count(TRANSACTION)
                seen = data[-len(TRANSACTION) + 1:]
                self._left -= found
                if self._left < 0:
                    self._held.touch()
                    self._is_closed.set()
            if self._is_closed.is_set():
                await asyncio.Event().wait()
            target.write(data)
            await target.drain()
        target.close()

    async def serve(self, reader, writer):
        store_reader, store_writer = await asyncio.open_connection("127.0.0.1", self._store)
        await asyncio.gather(self._pass_on(reader, store_writer, True), self._pass_on(store_reader, writer, False), return_exceptions=True)


async def main():
    port, store, count, held = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), pathlib.Path(sys.argv[4])
    server = await asyncio.start_server(Way(store, count, held).serve, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


asyncio.run(main())
