"""An agent that speaks the Agent Client Protocol by the SDK's own agent side, and does what its script says.

The script is a JSON list in the first argument: one list of steps for each prompt turn, the last one for all further
ones. A step is a list of a word and its arguments; see `_Scripted.step`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import acp
from acp import schema


class _Scripted:
    def __init__(self, script: list[Any]) -> None:
        self.script = script
        self.turns = 0
        self.client: Any = None
        self.servers: list[Any] = []
        self.cancelled = asyncio.Event()

    def on_connect(self, conn: Any) -> None:
        self.client = conn

    async def initialize(self, protocol_version: int, client_capabilities: Any = None, **rest: Any) -> Any:
        self.capabilities = client_capabilities
        return schema.InitializeResponse(protocol_version=protocol_version)

    async def new_session(self, cwd: str, mcp_servers: Any = None, **rest: Any) -> Any:
        self.cwd = cwd
        self.servers = list(mcp_servers or ())
        return schema.NewSessionResponse(session_id=f"session-{os.getpid()}")

    async def cancel(self, session_id: str, **rest: Any) -> None:
        self.cancelled.set()

    async def prompt(self, session_id: str, prompt: Any, **rest: Any) -> Any:
        self.session = session_id
        self.told = "".join(block.text for block in prompt)
        steps = self.script[min(self.turns, len(self.script) - 1)]
        self.turns += 1
        ended: dict[str, Any] = {"stop_reason": "end_turn"}
        for step in steps:
            ended |= await self.step(*step) or {}
        usage = ended.pop("usage", None)
        return acp.PromptResponse(**ended, usage=schema.Usage(**usage) if usage else None)

    async def update(self, update: Any) -> None:
        await self.client.session_update(session_id=self.session, update=update)

    async def step(self, what: str, *arguments: Any) -> dict[str, Any] | None:
        match what, arguments:
            case "say", (text,):
                await self.update(acp.update_agent_message_text(text.replace("TOLD", self.told)))
            case "think", (text,):
                await self.update(acp.update_agent_thought_text(text))
            case "call", (name, title, kind, status):
                await self.update(acp.start_tool_call(name, title, kind=kind, status=status))
            case "called", (name, status, text):
                content = [acp.tool_content(acp.text_block(text))]
                await self.update(acp.update_tool_call(name, status=status, content=content))
            case "plan", entries:
                await self.update(acp.update_plan([acp.plan_entry(entry) for entry in entries]))
            case "cost", (amount,):
                cost = schema.Cost(amount=amount, currency="USD")
                await self.update(schema.UsageUpdate(used=1, size=10, cost=cost, session_update="usage_update"))
            case "ask", (title, kind, *kinds):
                options = [schema.PermissionOption(option_id=one, name=one, kind=one) for one in kinds]
                call = schema.ToolCallUpdate(tool_call_id="asked", title=title, kind=kind)
                answer = await self.client.request_permission(
                    session_id=self.session, tool_call=call, options=options
                )
                await self.step("say", json.dumps(answer.outcome.model_dump(exclude_none=True)))
            case "read", (path, *span):
                await self._say(
                    self.client.read_text_file(session_id=self.session, path=self.at(path), **_span(span))
                )
            case "write", (path, content):
                await self._say(
                    self.client.write_text_file(session_id=self.session, path=self.at(path), content=content)
                )
            case "terminal", (command, *rest):
                made = await self.client.create_terminal(
                    session_id=self.session, command=command, args=[self.at(one) for one in rest], cwd=self.cwd
                )
                key = {"session_id": self.session, "terminal_id": made.terminal_id}
                ended = await self.client.wait_for_terminal_exit(**key)
                output = await self.client.terminal_output(**key)
                await self.client.release_terminal(**key)
                await self.step("say", f"[{ended.exit_code}] {output.output}")
            case "kill", (command,):
                made = await self.client.create_terminal(session_id=self.session, command=command, cwd=self.cwd)
                key = {"session_id": self.session, "terminal_id": made.terminal_id}
                await self.client.kill_terminal(**key)
                ended = await self.client.wait_for_terminal_exit(**key)
                await self.step("say", f"[{ended.signal}]")
            case "sh", (line,):
                shell = await asyncio.create_subprocess_shell(
                    line, cwd=self.cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
                )
                await self.step("say", (await shell.communicate())[0].decode())
            case "mcp", (tool, given):
                await self.step("say", await self._mcp(tool, given))
            case "fail", (message,):
                raise acp.RequestError(-32603, message)
            case "fail once", (message, mark):
                if not os.path.exists(mark):
                    open(mark, "w").close()
                    raise acp.RequestError(-32603, message)
            case "exit", (status,):
                print("out of luck", file=sys.stderr, flush=True)
                os._exit(status)
            case "hang", (mark,):
                await self.cancelled.wait()
                open(mark, "w").close()
                await asyncio.sleep(600)
            case "end", (more,):
                return dict(more)
        return None

    def at(self, path: str) -> str:
        return path.replace("CWD", self.cwd)

    async def _say(self, call: Any) -> None:
        try:
            answer = await call
        except acp.RequestError as error:
            await self.step("say", f"refused: {error}")
        else:
            await self.step("say", getattr(answer, "content", "written"))

    async def _mcp(self, tool: str, given: dict[str, Any]) -> str:
        from mcp import ClientSession, StdioServerParameters
        from mcp.client.stdio import stdio_client

        (server,) = self.servers
        parameters = StdioServerParameters(command=server.command, args=server.args, env={})
        async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
            await session.initialize()
            return (await session.call_tool(tool, given)).content[0].text


def _span(span: list[int]) -> dict[str, Any]:
    return dict(zip(("line", "limit"), span, strict=False))


if __name__ == "__main__":
    asyncio.run(acp.run_agent(_Scripted(json.loads(sys.argv[1]))))
