"""The sockets: HTTP/1.1 by h11 on asyncio, so that a fault can close the connection at any byte."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import struct
import sys
import traceback

import h11

from insurance.sandbox.control import control
from insurance.sandbox.gateway import wrapper
from insurance.sandbox.options import Options
from insurance.sandbox.platform import Platform, Visit
from insurance.sandbox.reply import Reply, json_reply

CHUNK = 256 * 1024
CONTROL = "/_sandbox"


class Connection(asyncio.Protocol):
    """One client's connection: reads requests one after the other, keeps alive, obeys the manner of each reply."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.http = h11.Connection(h11.SERVER, max_incomplete_event_size=32 * 1024)
        self.request: h11.Request | None = None
        self.parts: list[bytes] = []
        self.size = 0
        self.task: asyncio.Task[None] | None = None
        self.idle: asyncio.TimerHandle | None = None
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or drop it at once while the platform is closed."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.sandbox.connections.add(self)
        self._await_next()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the connection; work that was begun is finished all the same, as on a real platform."""
        self.sandbox.connections.discard(self)
        self.writable.set()
        if self.idle is not None:
            self.idle.cancel()

    def pause_writing(self) -> None:
        """The client reads slowly: hold back a file."""
        self.writable.clear()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.writable.set()

    def data_received(self, data: bytes) -> None:
        """Feed the parser and answer what is complete."""
        self.http.receive_data(data)
        self._read_on()

    def eof_received(self) -> bool:
        """The client will send no more; a request in work is still answered."""
        with contextlib.suppress(h11.RemoteProtocolError):
            self.http.receive_data(b"")
        return self.task is not None and not self.task.done()

    def close(self, reset: bool = False) -> None:
        """Close without a further byte; with reset by RST."""
        if reset:
            with contextlib.suppress(OSError, AttributeError):
                self.transport.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
        self.transport.abort() if reset else self.transport.close()

    def _await_next(self) -> None:
        if self.idle is not None:
            self.idle.cancel()
        self.idle = asyncio.get_running_loop().call_later(self.sandbox.options.keep_alive, self.close)

    def _read(self) -> None:
        while True:
            event = self.http.next_event()
            if event in (h11.NEED_DATA, h11.PAUSED):
                return
            if isinstance(event, h11.Request):
                self._begin(event)
                if self.transport.is_closing():
                    return
            elif isinstance(event, h11.Data):
                self._take(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self._handle()
            else:
                self.transport.close()
                return

    def _begin(self, event: h11.Request) -> None:
        self.request, self.parts, self.size = event, [], 0
        if self.sandbox.drops(event.target.decode("latin-1")):
            self.close(reset=True)
        elif self.http.they_are_waiting_for_100_continue:
            self._send(self.http.send(h11.InformationalResponse(status_code=100, headers=[])))

    def _take(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self.sandbox.options.max_body:
            raise h11.RemoteProtocolError("body too long", error_status_hint=413)
        self.parts.append(data)

    def _handle(self) -> None:
        assert self.request is not None
        if self.idle is not None:
            self.idle.cancel()
        method, target = self.request.method.decode("ascii"), self.request.target.decode("latin-1")
        body, self.parts = b"".join(self.parts), []
        if target.startswith(CONTROL):
            self.answer(self.sandbox.control(method, target, body, str(self.transport.get_extra_info("peername")[0])))
            return
        headers = {name.decode("ascii"): value.decode("latin-1") for name, value in self.request.headers}
        found = self.sandbox.begin(method, target, headers, body)
        delay = self.sandbox.options.delay_ms / 1000
        if isinstance(found, Reply):
            self.answer(found)
        elif delay or found.waits:
            self._later(self._slow_work(found, delay))
        else:
            self.answer(self.sandbox.work(found))

    async def _slow_work(self, visit: Visit, delay: float) -> None:
        await asyncio.sleep(delay + visit.seconds("before"))
        reply = self.sandbox.work(visit)
        await asyncio.sleep(visit.seconds("after"))
        self.answer(reply)

    def _later(self, work: object) -> None:
        assert asyncio.iscoroutine(work)
        self.task = asyncio.get_running_loop().create_task(work)
        self.sandbox.tasks.add(self.task)
        self.task.add_done_callback(self.sandbox.tasks.discard)

    def answer(self, reply: Reply) -> None:
        """Send the reply in its manner."""
        if self.transport.is_closing():
            return
        if reply.manner == "cut":
            self.close(reply.reset)
        elif reply.manner == "midway":
            whole = self._bytes(reply)
            self._send(whole[: len(whole) - max(1, len(reply.body) // 2)])
            self.close(reply.reset)
        elif reply.manner == "drip":
            self._later(self._drip(self._bytes(reply), reply.rate))
        elif reply.make is not None:
            self._later(self._stream(reply))
        else:
            self._send(self._bytes(reply))
            self._next()

    def _bytes(self, reply: Reply) -> bytes:
        if reply.make is not None:
            with open(reply.make(), "rb") as file:
                reply.body = file.read()
        return self._head(reply, len(reply.body)) + self._written(h11.Data(data=reply.body)) + self._end()

    def _head(self, reply: Reply, length: int) -> bytes:
        headers = [("content-type", reply.content_type), ("content-length", str(length)), ("x-sandbox", "1")]
        if reply.filename:
            headers.append(("content-disposition", f'attachment; filename="{reply.filename}"'))
        return self._written(h11.Response(status_code=reply.status, headers=headers))

    def _end(self) -> bytes:
        return self._written(h11.EndOfMessage())

    def _written(self, event: h11.Event) -> bytes:
        return self.http.send(event) or b""

    def _send(self, data: bytes | None) -> None:
        if data and not self.transport.is_closing():
            self.transport.write(data)

    async def _drip(self, data: bytes, rate: float) -> None:
        step = max(1, int(rate / 10)) if rate >= 10 else 1
        for start in range(0, len(data), step):
            if self.transport.is_closing():
                return
            self._send(data[start : start + step])
            await asyncio.sleep(step / max(rate, 0.01))
        self._next()

    async def _stream(self, reply: Reply) -> None:
        assert reply.make is not None
        path = await asyncio.get_running_loop().run_in_executor(None, reply.make)
        self._send(self._head(reply, os.path.getsize(path)))
        with open(path, "rb") as file:
            while chunk := file.read(CHUNK):
                await self.writable.wait()
                if self.transport.is_closing():
                    return
                self._send(self._written(h11.Data(data=chunk)))
        self._send(self._end())
        self._next()

    def _next(self) -> None:
        if self.transport.is_closing():
            return
        if self.http.our_state is h11.MUST_CLOSE or self.http.their_state is h11.MUST_CLOSE:
            self.transport.close()
        elif self.http.our_state is h11.DONE and self.http.their_state is h11.DONE:
            self.http.start_next_cycle()
            self._await_next()
            # What came in while this answer was being made is read now; on the direct path `_read` goes on by itself.
            if asyncio.current_task() is not None:
                self._read_on()

    def _read_on(self) -> None:
        try:
            self._read()
        except h11.RemoteProtocolError as wrong:
            self._refuse(wrong.error_status_hint or 400, "请求格式不正确")

    def _refuse(self, status: int, words: str) -> None:
        if self.http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._send(self._bytes(json_reply(wrapper(status, words), status)))
        self.transport.close()


class Sandbox:
    """A platform that listens on a port."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.platform = Platform(options)
        self.connections: set[Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.listener: asyncio.Server | None = None
        self.port = options.port
        self.stopped = asyncio.Event()

    async def open(self) -> None:
        """Begin to listen; afterwards `port` is the real one."""
        loop = asyncio.get_running_loop()
        self.listener = await loop.create_server(lambda: Connection(self), self.options.host, self.port, backlog=512)
        self.port = int(self.listener.sockets[0].getsockname()[1])

    async def run(self) -> None:
        """Serve until `stopped` is set, then close everything."""
        if self.listener is None:
            await self.open()
        await self.stopped.wait()
        self._shut()
        self.platform.close()

    def _shut(self) -> None:
        if self.listener is not None:
            self.listener.close()
        for connection in list(self.connections):
            connection.transport.abort()

    def drops(self, target: str) -> bool:
        """Whether a request is answered with RST because the platform is closed in that manner."""
        closed = self.platform.faults.standing("closed")
        return closed is not None and closed.options.get("mode") == "reset" and not target.startswith(CONTROL)

    def begin(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Visit | Reply:
        """The gateway's part; an error of our own becomes a 500."""
        try:
            return self.platform.begin(method, target, headers, body)
        except Exception:
            return self._broken()

    def work(self, visit: Visit) -> Reply:
        """The platform's part; an error of our own becomes a 500."""
        try:
            return self.platform.work(visit)
        except Exception:
            return self._broken()

    def _broken(self) -> Reply:
        traceback.print_exc(file=sys.stderr)
        return json_reply(wrapper(500, "系统异常，请联系医保信息中心"), 500)

    def control(self, method: str, target: str, body: bytes, peer: str) -> Reply:
        """The control API, and what follows from a change of the faults."""
        try:
            reply = control(self.platform, method, target, body, peer)
        except Exception:
            return self._broken()
        closed = self.platform.faults.standing("closed")
        if closed is not None and closed.options.get("mode", "refuse") == "refuse" and self.listener is not None:
            asyncio.get_running_loop().call_later(0.02, self._close_for, closed.number, closed.seconds(5.0))
        return reply

    def _close_for(self, number: int, seconds: float) -> None:
        if self.listener is None:
            return
        self._shut()
        self.listener = None
        asyncio.get_running_loop().call_later(seconds, self._open_again, number)

    def _open_again(self, number: int) -> None:
        self.platform.faults.clear(number)
        task = asyncio.get_running_loop().create_task(self.open())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


async def serve(options: Options) -> None:
    """Run a sandbox until SIGTERM or SIGINT; prints its address when it listens."""
    sandbox = Sandbox(options)
    await sandbox.open()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, sandbox.stopped.set)
    sys.stdout.write(f"沙箱平台已启动 http://{options.host}:{sandbox.port}/ebus/sandbox/hsa/hgs\n")
    sys.stdout.flush()
    await sandbox.run()
