"""`collab-mcp`: the telephone as an MCP server on stdio, for agents that take their tools from one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pytest_collab.agents.phone_client import call

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer


def server() -> MCPServer:
    """The server with its three tools.

    Raises:
        ImportError: the extra `mcp` is not installed.
    """
    from mcp.server.mcpserver import MCPServer

    made = MCPServer("collab", instructions="Talk to your teammates, who work on the same task at the same time.")

    @made.tool()
    def send_message(text: str, to: str = "") -> str:
        """Send a message to one teammate (`to`), or to all of them."""
        reply = call({"op": "send", "to": to or None, "text": text})
        return str(reply.get("text") or f"not sent: {reply.get('error')}")

    @made.tool()
    def receive_messages(wait_seconds: float = 0.0) -> str:
        """Messages that have come in since the last call; waits up to `wait_seconds` for the first."""
        messages = call({"op": "recv", "wait": wait_seconds}).get("messages")
        assert isinstance(messages, list)
        return "\n".join(f"{message['from']}: {message['text']}" for message in messages) or "(no messages)"

    @made.tool()
    def list_agents() -> str:
        """Your own seat and your teammates' seats."""
        reply = call({"op": "agents"})
        teammates = reply.get("teammates")
        assert isinstance(teammates, list)
        return f"you are {reply.get('seat')}; teammates: {' '.join(teammates) or 'none'}"

    return made


def main() -> int:
    """Serve until stdin closes."""
    try:
        made = server()
    except ImportError:
        print("collab-mcp needs the extra `mcp`: pip install 'pytest-collab[mcp]'", file=sys.stderr)
        return 2
    made.run("stdio")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
