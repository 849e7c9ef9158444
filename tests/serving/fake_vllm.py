"""A stand-in for an interpreter with vLLM: takes the same command line, and does what ``--fake MODE`` says.

``ready`` answers /health after a moment; ``loading`` answers 503 for ever; ``dies`` fails with the words of ``--text``;
``dies-later`` is ready and then does the same when it is asked for /die; ``stubborn`` is ready and ignores SIGTERM. All
but ``dies`` start a worker that ignores SIGTERM. Other flags of vLLM are written to the log.
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
    last_words = ""

    def do_GET(self) -> None:
        if self.path == "/die":
            sys.stderr.write(self.last_words)
            sys.stderr.flush()
            os._exit(1)
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
    options, others = parser.parse_known_args()
    Handler.last_words = f"{options.text}\n"
    if options.fake == "dies":
        sys.exit(Handler.last_words)
    if options.fake == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    worker = subprocess.Popen([sys.executable, "-c", WORKER], stdout=subprocess.PIPE)  # noqa: S603
    assert worker.stdout is not None
    worker.stdout.readline()
    sys.stdout.write(f"model {options.served_model_name} from {options.model}\n")
    sys.stdout.write(f"offline {os.environ['HF_HUB_OFFLINE']} extra {os.environ.get('EXTRA')}\n")
    sys.stdout.write(f"flags {others} devices {os.environ.get('CUDA_VISIBLE_DEVICES')}\n")
    sys.stdout.write(f"started {time.monotonic()}\n")
    sys.stdout.write(f"processes {os.getpid()} {worker.pid}\n")
    sys.stdout.flush()
    time.sleep(0.3)
    Handler.status = 503 if options.fake == "loading" else 200
    HTTPServer((options.host, options.port), Handler).serve_forever()


main()
