#!/usr/bin/env python3
"""A mirror that can misbehave, for tests. Python's standard library only.

    server.py [--root DIR] [--log FILE] [--control FILE] [--tls PEM]

Binds to 127.0.0.1, prints its port on standard output as one line, and serves DIR (default: the current directory) with
HTTP/1.1, keep-alive and Range. It ends when its parent does (or by SIGTERM). From a shell:

    exec 9< <(exec python3 tests/flow/server.py --root "$dir" --log "$log"); server=$!; read -r port <&9; ...; kill $server

The first part of a path may name a misbehaviour; the rest is the file's path. So a mirror misbehaves for everything with
the URL http://127.0.0.1:PORT/corrupt/debian, and well with http://127.0.0.1:PORT/debian:

    /404/...  /403/...  /503/...    that status, for any number from 400 to 599
    /500-then-ok/N/...  /429-then-ok/N/...   that status for the first N requests for each path (429: Retry-After: 1)
    /truncate/...        half of the file, then the connection is closed; requests with a Range are served well
    /truncate-always/... half of whatever was asked for, each time
    /reset/...           half, then the connection is reset; requests with a Range are served well
    /endless/...         a chunked body without end; /endless-length/ with a huge Content-Length, /endless-close/ with none
    /endless-headers/... headers without end
    /stall/...           half, then silence; /stall-head/... silence at once
    /slow/BPS/...        so many bytes a second
    /corrupt/...         the middle byte flipped
    /grown/...           one byte more, with its proper length
    /norange/...         ignores Range
    /badrange/...        answers a Range with 206 from the wrong place (byte 0)
    /long-length/...     Content-Length ten too large; /short-length/... ten too small
    /chunked/...         chunked, and good; /chunked-cut/... without the last chunk
    /close/...           no length at all, ended by closing; good
    /redirect/...        302 to the file; /redirect-loop/...; /redirect-file/... to file:///etc/passwd
    /redirect-http/PORT/...  /redirect-https/PORT/...   to that port of 127.0.0.1

With --control FILE the same is asked for from outside: FILE (read for every request; it may come and go) holds lines
`PREFIX MISBEHAVIOUR`, as in `/debian/pool/main/m corrupt` or `/debian/dists 500-then-ok/2`; the first match counts.

A request in absolute form (GET http://anything/path) is answered as a proxy would, from DIR, whatever the host's name;
CONNECT is tunnelled, to 127.0.0.1 only. --tls: serves https with that certificate and key.

--log FILE gets a line a request, fields separated by one blank: CONNECTION METHOD TARGET RANGE STATUS (RANGE as
`bytes=5-`, or `-`; TARGET as it was asked for; CONNECTION counts from 1).
"""
import argparse
import http.server
import itertools
import os
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse

options = None
connections = itertools.count(1)
lock = threading.Lock()
failures = {}
CHUNK = 64 * 1024


def watch_parent(parent):
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # clients that hang up are part of the tests


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.number = next(connections)

    def log_message(self, *args):
        pass

    def note(self, status):
        if options.log:
            with lock, open(options.log, "a") as f:
                f.write(f"{self.number} {self.command} {self.path} {self.headers.get('Range', '-')} {status}\n")

    # One answer: status, headers, body pieces.

    def head(self, status, length=None, **headers):
        self.note(status)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def error(self, status, **headers):
        text = f"{status}\n".encode()
        self.head(status, len(text), **headers)
        self.wfile.write(text)

    def hang_up(self, reset=False):
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        self.close_connection = True

    def range_start(self, size):
        """Where the asked-for range begins; None: no range; size or more: not to be had."""
        value = self.headers.get("Range", "")
        if not value.startswith("bytes=") or not value.endswith("-"):
            return None
        return int(value[6:-1])

    def send_file(self, data, keep=None, claim=None, ignore_range=False, wrong_start=False):
        """Sends data or its range; keep: only so much of it (a function of its length), claim: the length said."""
        start = None if ignore_range else self.range_start(len(data))
        if start is not None and start >= len(data):
            return self.error(416, Content_Range=f"bytes */{len(data)}")
        part = data[start or 0:]
        said = len(part) if claim is None else claim(len(part))
        if start is None:
            self.head(200, said, Accept_Ranges="bytes")
        else:
            begin = 0 if wrong_start else start
            self.head(206, said, Content_Range=f"bytes {begin}-{len(data) - 1}/{len(data)}")
        self.wfile.write(part if keep is None else part[:keep(len(part))])
        return None

    # Misbehaviours: each gets the rest of the path.

    def read(self, path):
        full = os.path.normpath(os.path.join(options.root, urllib.parse.unquote(path.lstrip("/"))))
        try:
            with open(full, "rb") as f:
                return f.read()
        except OSError:
            self.error(404)
            return None

    def do_truncate(self, data, **how):
        ranged = self.range_start(len(data)) is not None
        if ranged and not how.get("always"):
            return self.send_file(data)
        self.send_file(data, keep=lambda n: n // 2)
        return self.hang_up(how.get("reset", False))

    def do_endless(self, kind):
        if kind == "endless-headers":
            self.note(200)
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                self.wfile.write(b"X-Field: " + b"x" * 1000 + b"\r\n")
        if kind == "endless":
            self.head(200, Transfer_Encoding="chunked")
        else:
            self.head(200, 1 << 50 if kind == "endless-length" else None, Connection="close")
        piece = b"x" * CHUNK
        while True:
            self.wfile.write(b"%x\r\n%s\r\n" % (CHUNK, piece) if kind == "endless" else piece)

    def do_chunked(self, data, last):
        self.head(200, Transfer_Encoding="chunked")
        for i in range(0, len(data), CHUNK):
            piece = data[i:i + CHUNK]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if last:
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.hang_up()

    def do_slow(self, data, rate):
        self.head(200, len(data))
        for i in range(0, len(data), max(1, rate // 10)):
            self.wfile.write(data[i:i + max(1, rate // 10)])
            time.sleep(0.1)

    def silence(self):
        self.wfile.flush()
        try:
            while self.connection.recv(1024):
                pass
        except OSError:
            pass
        self.hang_up()

    def redirect(self, kind, rest):
        port, _, path = rest.lstrip("/").partition("/")
        to = {"redirect": rest, "redirect-loop": "/redirect-loop" + rest, "redirect-file": "file:///etc/passwd",
              "redirect-http": f"http://127.0.0.1:{port}/{path}",
              "redirect-https": f"https://127.0.0.1:{port}/{path}"}[kind]
        self.error(302, Location=to)

    def then_ok(self, status, rest):
        count, _, path = rest.lstrip("/").partition("/")
        with lock:
            failures[path] = failures.get(path, 0) + 1
            fail = failures[path] <= int(count)
        if fail:
            return self.error(status, **({"Retry_After": "1"} if status == 429 else {}))
        return self.answer("/" + path)

    def answer(self, path):
        kind, _, rest = path.lstrip("/").partition("/")
        rest = "/" + rest
        if kind.isdigit() and 400 <= int(kind) <= 599:
            return self.error(int(kind))
        if kind.endswith("-then-ok"):
            return self.then_ok(int(kind.partition("-")[0]), rest)
        if kind.startswith("redirect"):
            return self.redirect(kind, rest)
        if kind.startswith("endless"):
            return self.do_endless(kind)
        if kind == "stall-head":
            self.note(0)
            return self.silence()
        rate = 0
        if kind == "slow":
            word, _, rest = rest.lstrip("/").partition("/")
            rate = int(word)
        table = {
            "truncate": lambda d: self.do_truncate(d),
            "truncate-always": lambda d: self.do_truncate(d, always=True),
            "reset": lambda d: self.do_truncate(d, reset=True),
            "stall": lambda d: (self.send_file(d, keep=lambda n: n // 2), self.silence()),
            "slow": lambda d: self.do_slow(d, rate),
            "corrupt": lambda d: self.send_file(d[:len(d) // 2] + bytes([d[len(d) // 2] ^ 1]) + d[len(d) // 2 + 1:]),
            "grown": lambda d: self.send_file(d + b"x"),
            "norange": lambda d: self.send_file(d, ignore_range=True),
            "badrange": lambda d: self.send_file(d, wrong_start=True),
            "long-length": lambda d: (self.send_file(d, claim=lambda n: n + 10), self.hang_up()),
            "short-length": lambda d: (self.send_file(d, claim=lambda n: n - 10), self.hang_up()),
            "chunked": lambda d: self.do_chunked(d, True),
            "chunked-cut": lambda d: self.do_chunked(d, False),
            "close": lambda d: (self.head(200, Connection="close"), self.wfile.write(d), self.hang_up()),
        }
        behave = table.get(kind)
        data = self.read(rest if behave else path)
        if data is None:
            return None
        return behave(data) if behave else self.send_file(data)

    def controlled(self, path):
        """The path with the misbehaviour that the control file asks for put before it."""
        try:
            with open(options.control or "") as f:
                rules = [line.split() for line in f if line.strip() and not line.startswith("#")]
        except OSError:
            return path
        for prefix, behaviour in rules:
            if path.startswith(prefix):
                return "/" + behaviour + path
        return path

    def do_GET(self):
        target = self.path
        if target.startswith(("http://", "https://")):
            target = urllib.parse.urlsplit(target).path or "/"
        self.answer(self.controlled(target.partition("?")[0]))

    def do_CONNECT(self):
        host, _, port = self.path.rpartition(":")
        if host != "127.0.0.1":
            return self.error(403)
        peer = socket.create_connection((host, int(port)))
        self.note(200)
        self.wfile.write(b"HTTP/1.1 200 tunnel\r\n\r\n")
        back = threading.Thread(target=pump, args=(peer, self.connection), daemon=True)
        back.start()
        pump(self.connection, peer)
        back.join()
        return self.hang_up()


def pump(source, sink):
    try:
        while data := source.recv(CHUNK):
            sink.sendall(data)
    except OSError:
        pass
    for s in (source, sink):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def main():
    global options
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=".")
    parser.add_argument("--log")
    parser.add_argument("--control")
    parser.add_argument("--tls")
    options = parser.parse_args()
    server = Server(("127.0.0.1", 0), Handler)
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.tls)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=watch_parent, args=(os.getppid(),), daemon=True).start()
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
