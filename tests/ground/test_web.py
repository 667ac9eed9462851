"""What script/server takes as the portal's first answer."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from ground import places, web


def test_a_portal_that_sends_browsers_to_its_proxy_has_answered() -> None:
    port = places.first_free_port(18700)

    class Redirecting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(301)
            self.send_header("Location", f"https://127.0.0.1:{port}/")
            self.end_headers()

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", port), Redirecting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert web.answers(f"http://127.0.0.1:{port}/")
    finally:
        server.shutdown()
        server.server_close()
    assert not web.answers(f"http://127.0.0.1:{port}/")
