"""The server: listeners bound to zones, HTTP and WebSocket sessions, fan-out and the release worker."""
