"""A stand-in for an interpreter with vLLM: takes the same command line, and does what ``--fake MODE`` says.

``ready`` answers /health after a moment; ``loading`` answers 503 for ever; ``dies`` fails with the traceback text of
``--text``; ``stubborn`` is ready and ignores SIGTERM. All but ``dies`` start a worker that ignores SIGTERM.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

WORKER = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
)


class Handler(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/health" else 404)
        self.end_headers()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("-P", action="store_true", required=True)
    parser.add_argument("-m", choices=["vllm.entrypoints.openai.api_server"], required=True)
    for option in ("--model", "--served-model-name", "--host", "--fake"):
        parser.add_argument(option, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--text", default="")
    options = parser.parse_args()
    if options.fake == "dies":
        sys.stderr.write(f"Traceback (most recent call last):\n{options.text}\n")
        sys.exit(1)
    if options.fake == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    worker = subprocess.Popen([sys.executable, "-c", WORKER], stdout=subprocess.PIPE)  # noqa: S603
    assert worker.stdout is not None
    worker.stdout.readline()
    sys.stdout.write(f"model {options.served_model_name} from {options.model}\n")
    sys.stdout.write(f"offline {os.environ['HF_HUB_OFFLINE']} extra {os.environ.get('EXTRA')}\n")
    sys.stdout.write(f"processes {os.getpid()} {worker.pid}\n")
    sys.stdout.flush()
    time.sleep(0.3)
    Handler.status = 503 if options.fake == "loading" else 200
    HTTPServer((options.host, options.port), Handler).serve_forever()


main()
