"""Texts that would run, load or send something in a browser that took them for markup, and a server to catch it."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Trap:
    """A server that nothing may reach, and texts that would reach it or leave a mark if anything of them ran."""

    def __init__(self) -> None:
        trap = self
        self.asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                trap.asked.append(self.path)
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        run = f"window.pwned=1;document.title=`pwned`;fetch(`{self.url}/fetched`)"  # fits into both kinds of quotes
        self.texts = [
            f"<script>{run}</script>",
            f"</script><script>{run}</script>",
            f"<!--<script>{run}</script>-->",
            f"</title></style></textarea><script>{run}</script>",
            f'<img src=x onerror="{run}">',
            f"\"><svg onload='{run}'>",
            f"<svg><script>{run}</script><animate onbegin='{run}' attributeName=x dur=1s></svg>",
            f'<details open ontoggle="{run}"><summary>x</summary></details>',
            f'<input autofocus onfocus="{run}">',
            f'<math><mtext><style><img src=x onerror="{run}"></style></mtext></math>',
            f'<iframe srcdoc="<script>parent.{run}</script>"></iframe>',
            f'<a href="javascript:{run}">x</a> [x](javascript:{run}) javascript:{run}',
            f"<meta http-equiv=refresh content='0;url={self.url}/refreshed'>",
            f"<base href='{self.url}/'><link rel=stylesheet href='{self.url}/style'>",
            f"<img src='{self.url}/image'><object data='{self.url}/object'></object>",
            f"<form action='{self.url}/form'><button formaction='{self.url}/button'>x</button></form>",
            f"\u2028{run}\u2029//';{run};'\";{run};\"`${{{run}}}`",
            f'{{{{constructor.constructor("{run}")()}}}} ]]><script>{run}</script>',
            f"<scr\x00ipt>{run}</script> \u202e \x1b]8;;{self.url}\x07",
            f"<template shadowrootmode=open><script>{run}</script></template>",
        ]

    def close(self) -> None:
        """End the server."""
        self.server.shutdown()
        self.server.server_close()
