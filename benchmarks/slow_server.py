"""A model server on loopback that does next to nothing, after a fixed time: what is left to measure is the client.

Run as ``python benchmarks/slow_server.py LATENCY_MS``; it prints its port and serves until its input is closed. Every
``POST`` gets a judgment, or a rubric where no responses are shown; ``GET`` gets the number of posts so far.
"""

import asyncio
import json
import sys

JUDGMENT = """\
--- Compliance Check ---
Identified Gatekeeper Criterion: The response answers the question that was asked before anything else.

--- Analysis ---
**Response A:**
- Criterion 1 [Hard Rule]: Justification: The first sentence names the cause, and the rest builds on it.
- Criterion 2 [Principle]: Justification: Each step follows from the one before, with one example for each.
- Criterion 3 [Principle]: Justification: It says where the rule stops to hold, though only at the end.
- Criterion 4 [Principle]: Justification: Nothing is said twice.
**Response B:**
- Criterion 1 [Hard Rule]: Justification: It opens with the history of the question and answers it late.
- Criterion 2 [Principle]: Justification: Two of the steps are missing, so the result has to be believed.
- Criterion 3 [Principle]: Justification: No limits are given at all.
- Criterion 4 [Principle]: Justification: The second paragraph repeats the first in other words.

--- Final Judgment ---
Justification: Response A answers at once and shows its steps; Response B circles around the question.
Winner: Response A"""
RUBRIC = """\
1. The response answers the question that was asked before anything else. [Hard Rule]
2. The response shows each step that leads to its result, with an example where one helps. [Principle]
3. The response says under which conditions its advice holds, and where it does not. [Principle]
4. The response says each thing once, in plain words. [Principle]"""


def _reply(content: bytes, kind: bytes = b"application/json") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\nContent-Length: " + str(len(content)).encode()
    return head + b"\r\n\r\n" + content


def _completion(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    return _reply(
        json.dumps(
            {
                "id": "chatcmpl-0",
                "object": "chat.completion",
                "created": 1,
                "model": "judge",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
                "usage": {"prompt_tokens": 1400, "completion_tokens": 260, "total_tokens": 1660},
            }
        ).encode()
    )


class Server(asyncio.Protocol):
    """One connection: requests one after the other, each answered after the latency."""

    answers = (_completion(RUBRIC), _completion(JUDGMENT))
    latency = 0.1
    posts = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with nothing."""
        self.transport = transport
        self.received = bytearray()

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.received[:end]).lower()
            _, named, rest = head.partition(b"content-length:")
            size = end + 4 + (int(rest.split(b"\r\n", 1)[0]) if named else 0)
            if len(self.received) < size:
                return
            body = bytes(self.received[end + 4 : size])
            del self.received[:size]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if not head.startswith(b"post"):
            self._write(_reply(str(Server.posts).encode(), b"text/plain"))
            return
        Server.posts += 1
        loop = asyncio.get_running_loop()
        loop.call_later(self.latency, self._write, self.answers[b"<response_a>" in body])

    def _write(self, content: bytes) -> None:
        if isinstance(self.transport, asyncio.WriteTransport) and not self.transport.is_closing():
            self.transport.write(content)


async def main() -> None:
    """Serve until standard input is closed."""
    Server.latency = float(sys.argv[1]) / 1000
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
