#!/usr/bin/env python3
"""A chat gateway for Duragent in one file, with nothing but Python's standard library (3.8 or newer).

Its "platform" is a chat over TCP that it serves itself: `nc 127.0.0.1 7070`, a line with your name, then talk to the agent.
A name with a room (`ann #garden`) joins a room with others, where the agent answers those who write "@bot".
To join another platform, replace the class Chat; the rest speaks Duragent's protocol: one JSON object a line, commands on
stdin, events on stdout, the log on stderr.
"""

import collections
import json
import os
import socketserver
import sys
import threading
import time
import uuid

LINE_BYTES_MAX = 1024 * 1024
REMEMBERED_MAX = 1000  # requests that are known to have been carried out
HELD_MAX = 100  # lines kept for somebody who is away
RETRY_SECONDS = 10  # until a message that was not acknowledged is handed over again


class Core:
    """The other side of stdin and stdout."""

    def __init__(self):
        self.lock = threading.Lock()
        self.unacknowledged = collections.OrderedDict()

    def tell(self, **event):
        line = json.dumps(event).encode() + b"\n"  # json.dumps escapes all that is not ASCII: the line is one line
        with self.lock:  # threads write: a line must not stand within another
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()

    def hand_over(self, message):
        """A message counts as handed over once the core has acknowledged it; until then it is told again."""
        self.unacknowledged[(message["chat_id"], message["message_id"])] = (time.monotonic(), message)
        if len(self.unacknowledged) > REMEMBERED_MAX:
            self.unacknowledged.popitem(last=False)
            print("a message was given up: the core acknowledges none", file=sys.stderr, flush=True)
        self.tell(**message)

    def acknowledged(self, command):
        self.unacknowledged.pop((command.get("chat_id"), command.get("message_id")), None)

    def retry_for_ever(self):
        while True:
            time.sleep(RETRY_SECONDS / 2)
            for key, (told_at, message) in list(self.unacknowledged.items()):
                if key in self.unacknowledged and time.monotonic() - told_at > RETRY_SECONDS:
                    self.hand_over(message)


class SentRequests:
    """Which requests were carried out, on disk: after a crash the core asks again, and nobody shall read an answer twice."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "sent.jsonl") if folder else None
        self.ids = collections.OrderedDict()
        if self.path and os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as file:
                for line in file:
                    try:
                        request_id, message_id = json.loads(line)
                        self.ids[request_id] = message_id
                    except ValueError:
                        pass  # a line that was torn by a crash
        self.rewrite()

    def rewrite(self):
        while len(self.ids) > REMEMBERED_MAX:
            self.ids.popitem(last=False)
        self.lines = len(self.ids)
        if self.path:
            with open(self.path + ".new", "w", encoding="utf-8") as file:
                file.writelines(json.dumps(pair) + "\n" for pair in self.ids.items())
            os.replace(self.path + ".new", self.path)

    def add(self, request_id, message_id):
        self.ids[request_id] = message_id
        self.lines += 1
        if self.lines > 2 * REMEMBERED_MAX:
            return self.rewrite()
        if self.path:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps([request_id, message_id]) + "\n")


class Chat:
    """The platform. A chat is a room, or one person by name; both are found again when they come back."""

    def __init__(self, core, host, port):
        self.core = core
        self.lock = threading.Lock()
        self.present = collections.defaultdict(list)  # chat id → connections
        self.held = collections.defaultdict(lambda: collections.deque(maxlen=HELD_MAX))
        chat = self

        class Connection(socketserver.StreamRequestHandler):
            def handle(self):
                chat.talk(self)

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self.server = socketserver.ThreadingTCPServer((host, port), Connection)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def talk(self, connection):
        name, _, room = self.read(connection).partition("#")
        name, room = name.strip() or "somebody", room.strip()
        chat_id = "#" + room if room else name
        with self.lock:
            self.present[chat_id].append(connection)
            self.write(connection, f"welcome, {name}")
            for line in self.held.pop(chat_id, ()):
                self.write(connection, line)
        try:
            while True:
                text = self.read(connection)
                if text:
                    self.said(chat_id, name, text, is_room=bool(room), connection=connection)
        except (EOFError, OSError):
            pass  # gone
        finally:
            with self.lock:
                self.present[chat_id].remove(connection)

    def said(self, chat_id, name, text, is_room, connection):
        if is_room:
            self.send(chat_id, f"{name}: {text}", but=connection)
        self.core.hand_over(
            {
                "type": "message_received",
                "message_id": uuid.uuid4().hex,
                "chat_id": chat_id,
                "sender": {"id": name, "display_name": name},
                "content": {"type": "text", "text": text.replace("@bot", "", 1).strip()},
                "routing": {
                    "channel": "tcp-chat",
                    "chat_type": "group" if is_room else "dm",
                    "chat_id": chat_id,
                    "sender_id": name,
                },
                "mentions_bot": "@bot" in text,
                "reply_to_bot": False,
            }
        )

    def send(self, chat_id, text, but=None):
        with self.lock:
            connections = [one for one in self.present[chat_id] if one is not but]
            if not connections and but is None:
                self.held[chat_id].append(text)
            for connection in connections:
                self.write(connection, text)

    @staticmethod
    def write(connection, text):
        try:
            connection.wfile.write((text + "\n").encode())
        except OSError:
            pass  # its own thread notices that it is gone

    @staticmethod
    def read(connection):
        line = connection.rfile.readline(4096)
        if not line:
            raise EOFError
        return line.decode("utf-8", "replace").strip()


class Gateway:
    def __init__(self):
        self.core = Core()
        self.chat = None
        self.sent = None
        self.started_at = time.monotonic()

    def run(self):
        threading.Thread(target=self.core.retry_for_ever, daemon=True).start()
        for line in read_lines(sys.stdin.buffer):
            try:
                command = json.loads(line)
                handle = getattr(self, "on_" + command["type"], None)
                if handle:  # what is not known is ignored
                    handle(command)
            except (ValueError, KeyError, TypeError):
                print("a line that is no command was skipped", file=sys.stderr, flush=True)
        self.on_shutdown({})  # stdin was closed: nobody is there any more

    def on_initialize(self, command):
        config = command.get("config", {})
        self.sent = SentRequests(command.get("data_dir"))
        host, port = config.get("host", "127.0.0.1"), config.get("port", 7070)
        try:
            self.chat = Chat(self.core, host, port)
        except OSError as error:
            problem = f"can not listen on {host}:{port}: {error.strerror}"
            self.core.tell(type="error", code="platform_error", message=problem, fatal=True)
            sys.exit(1)
        print(f"people join with: nc {host} {self.chat.server.server_address[1]}", file=sys.stderr, flush=True)
        self.core.tell(type="ready", gateway="tcp-chat", version="1.0.0", capabilities=["ack"])

    def on_send_message(self, command):
        request_id = command["request_id"]
        if self.chat is None:
            problem = "there was no initialize yet"
            self.core.tell(type="command_error", request_id=request_id, code="not_connected", message=problem)
            return
        if request_id not in self.sent.ids:
            self.chat.send(command["chat_id"], command["content"])
            self.sent.add(request_id, uuid.uuid4().hex)
        self.core.tell(type="command_ok", request_id=request_id, message_id=self.sent.ids[request_id])

    def refuse(self, command):
        problem = f"this gateway does not know {command['type']}"
        self.core.tell(
            type="command_error", request_id=command["request_id"], code="invalid_request", message=problem
        )

    on_edit_message = on_delete_message = on_send_media = on_answer_callback_query = refuse

    def on_ping(self, command):
        uptime = time.monotonic() - self.started_at
        connected = self.chat is not None
        self.core.tell(type="pong", request_id=command["request_id"], uptime_seconds=uptime, connected=connected)

    def on_ack(self, command):
        self.core.acknowledged(command)

    def on_shutdown(self, _command):
        self.core.tell(type="shutdown", reason="asked for")
        sys.exit(0)


def read_lines(stream):
    """Lines of at most LINE_BYTES_MAX; a longer one is skipped to its end without being kept."""
    while True:
        line = stream.readline(LINE_BYTES_MAX + 1)
        if not line:
            return
        if len(line) > LINE_BYTES_MAX and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = stream.readline(LINE_BYTES_MAX)
            continue
        if line.strip():
            yield line.decode("utf-8", "replace")


if __name__ == "__main__":
    if sys.stdin.isatty():
        sys.exit("This is a gateway: Duragent starts it. Name it under gateways in duragent.yaml; see README.md.")
    Gateway().run()
