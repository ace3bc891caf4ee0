#!/usr/bin/env python3
"""Prints a table of the functions' zips, and of the CPU time that each takes to start: until its
first request to the runtime API, with one call to DynamoDB over TLS before.

usage: size.py FOLDER    with one folder an architecture of what `cargo lambda build` made
"""

import http.server
import os
import pathlib
import platform
import re
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import zipfile

ROOT = pathlib.Path(__file__).parents[2]
RUNS = 15
# A client of S3 takes room.
LIMIT_MB, LIMIT_MB_WITH_S3, LIMIT_MS = 4.0, 6.0, 30.0
HERE = {"x86_64": "x86-64", "aarch64": "arm64"}[platform.machine()]


class Tables(http.server.BaseHTTPRequestHandler):
    """Stands for DynamoDB: finds nothing."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


class Runtime(http.server.BaseHTTPRequestHandler):
    """Stands for the runtime API, up to its first question."""

    def do_GET(self):
        self.server.asked.set()
        self.server.release.wait(10)

    def log_message(self, *_):
        pass


def serve(handler, certificate=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.asked, server.release = threading.Event(), threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def certificate(folder):
    """Makes a certificate for localhost, and a bundle that has it besides all that are usual."""
    path = folder / "localhost.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subject += ["-addext", "basicConstraints=critical,CA:FALSE"]
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subprocess.run([*made, "-keyout", path, "-out", folder / "public", *subject], check=True, capture_output=True)
    public = (folder / "public").read_text()
    path.write_text(path.read_text() + public)
    (folder / "bundle").write_text(pathlib.Path("/etc/ssl/certs/ca-certificates.crt").read_text() + public)
    return path, folder / "bundle"


def cpu_ms(process):
    tasks = pathlib.Path(f"/proc/{process.pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


def started(bootstrap, tables, bundle):
    """Gives the CPU milliseconds of one start."""
    runtime = serve(Runtime)
    names = re.findall(r"LEADS_\w+", (ROOT / "infra/template.yaml").read_text())
    environment = {
        **dict.fromkeys(names, "x"),
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "size",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": f"https://localhost:{tables.server_port}",
        "SSL_CERT_FILE": str(bundle),
    }
    process = subprocess.Popen([bootstrap], env=environment, stdout=subprocess.DEVNULL)
    try:
        if not runtime.asked.wait(10):
            sys.exit(f"{bootstrap} does not ask for work")
        return cpu_ms(process)
    finally:
        runtime.release.set()
        process.kill()
        process.wait()
        runtime.shutdown()
        runtime.server_close()


def main():
    built = pathlib.Path(sys.argv[1])
    missed = False
    print("| function | built for | zip | CPU until the first `/next` |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        key, bundle = certificate(folder)
        tables = serve(Tables, key)
        for path in sorted(built.glob("*/*/bootstrap.zip")):
            architecture, function = path.parts[-3:-1]
            # As Lambda counts its own limits.
            size_mb = path.stat().st_size / 2**20
            with zipfile.ZipFile(path) as archive:
                bootstrap = pathlib.Path(archive.extract("bootstrap", folder / architecture / function))
            bootstrap.chmod(0o755)
            has_s3 = b"aws_sdk_s3" in bootstrap.read_bytes()
            missed |= size_mb > (LIMIT_MB_WITH_S3 if has_s3 else LIMIT_MB)
            told = "not run here"
            if architecture == HERE:
                start_ms = statistics.median(started(bootstrap, tables, bundle) for _ in range(RUNS))
                missed |= start_ms > LIMIT_MS
                told = f"{start_ms:.1f} ms"
            with_s3 = ", with S3" if has_s3 else ""
            print(f"| `{function}` | {architecture} | {size_mb:.2f} MB{with_s3} | {told} |", flush=True)
    sys.exit(missed and "a target is missed")


main()
