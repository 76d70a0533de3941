"""`collab-mcp`: the telephone as an MCP server on stdio, for agents that take their tools from one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from pytest_collab.agents.phone_client import call

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer


def server() -> MCPServer:
    """The server, with a tool for each thing that the seat can do at its desk.

    Raises:
        ImportError: the extra `mcp` is not installed.
        ConnectionError: there is no desk; the episode is over.
    """
    from mcp.server.mcpserver import MCPServer

    made = MCPServer("collab", instructions="Talk to your teammates, who work on the same task at the same time.")
    desk = call({"op": "tools"})
    if desk.get("talks"):
        for tool in (send_message, receive_messages, list_agents):
            made.add_tool(tool)
    made.add_tool(run_command)
    tools = desk.get("tools")
    for about in tools if isinstance(tools, list) else []:
        made.add_tool(_tool(about), name=about["name"], description=about["description"])
    return made


def send_message(text: str, to: str = "") -> str:
    """Send a message to one teammate (`to`), or to all of them."""
    reply = call({"op": "send", "to": to or None, "text": text})
    return str(reply.get("text") or f"not sent: {reply.get('error')}")


def receive_messages(wait_seconds: float = 0.0) -> str:
    """Messages that have come in since the last call; waits up to `wait_seconds` for the first."""
    messages = call({"op": "recv", "wait": wait_seconds}).get("messages")
    assert isinstance(messages, list)
    return "\n".join(f"{message['from']}: {message['text']}" for message in messages) or "(no messages)"


def list_agents() -> str:
    """Your own seat and your teammates' seats."""
    reply = call({"op": "agents"})
    teammates = reply.get("teammates")
    assert isinstance(teammates, list)
    return f"you are {reply.get('seat')}; teammates: {' '.join(teammates) or 'none'}"


def run_command(line: str, timeout_seconds: float = 300.0) -> str:
    """Run a shell command in the sandbox of the task, at the root of your tree."""
    reply = call({"op": "run", "line": line, "timeout": timeout_seconds})
    return str(reply.get("text") or reply.get("error") or "(no output)")


def _tool(about: Mapping[str, Any]) -> Callable[..., str]:
    """A function with the arguments of something that the seat can do."""

    def use(**arguments: Any) -> str:
        given = {name: value for name, value in arguments.items() if value is not None}
        reply = call({"op": about["name"], "arguments": given})
        return str(reply.get("text") or f"not done: {reply.get('error')}")

    parameters = []
    for name, schema in sorted(about["properties"].items(), key=lambda one: one[0] not in about["required"]):
        kind: Any = int if schema.get("type") == "integer" else str
        needed = name in about["required"]
        default = Parameter.empty if needed else None
        annotation = kind if needed else kind | None
        parameters.append(Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=annotation))
    use.__signature__ = Signature(parameters, return_annotation=str)  # type: ignore[attr-defined]
    use.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": str}
    return use


def main() -> int:
    """Serve until stdin closes."""
    try:
        made = server()
    except ImportError:
        print("collab-mcp needs the extra `mcp`: pip install 'pytest-collab[mcp]'", file=sys.stderr)
        return 2
    except ConnectionError as error:
        print(f"collab-mcp: {error}", file=sys.stderr)
        return 2
    made.run("stdio")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
