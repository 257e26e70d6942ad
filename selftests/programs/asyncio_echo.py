#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""An echo server and its client on asyncio's streams, as anybody would write them for TCP.

asyncio_echo.py server ADDRESS PORT
asyncio_echo.py client ADDRESS PORT FILE COPY...    one connection for each COPY, all at once
"""

import asyncio
import sys

CHUNK = 1 << 16


async def answer(reader, writer):
    while octets := await reader.read(CHUNK):
        writer.write(octets)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def serve(address, port):
    server = await asyncio.start_server(answer, address, port)
    await server.serve_forever()


async def copy(address, port, source, target):
    """Sends the file and writes down what comes back meanwhile."""
    reader, writer = await asyncio.open_connection(address, port)

    async def send():
        with open(source, "rb") as file:
            while octets := file.read(CHUNK):
                writer.write(octets)
                await writer.drain()
        writer.write_eof()

    async def receive():
        with open(target, "wb") as file:
            while octets := await reader.read(CHUNK):
                file.write(octets)

    await asyncio.gather(send(), receive())
    writer.close()
    await writer.wait_closed()


async def copies(address, port, source, *targets):
    await asyncio.gather(*(copy(address, port, source, target) for target in targets))


if __name__ == "__main__":
    asyncio.run({"server": serve, "client": copies}[sys.argv[1]](*sys.argv[2:]))
