"""`collab-send`, `collab-recv` and the other programs at a desk. Standard library only."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import socket
import sys


def call(request: dict[str, object]) -> dict[str, object]:
    """Ask the telephone.

    Raises:
        ConnectionError: there is none: the program does not run inside an episode, or the episode is over.
    """
    address = os.environ.get("COLLAB_SOCKET", "")
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(address)
        except OSError:
            raise ConnectionError("COLLAB_SOCKET names no telephone; is the episode over?") from None
        line.sendall(json.dumps(request).encode("ascii") + b"\n")
        with line.makefile("rb") as answer:
            raw = answer.readline()
    if not raw:
        raise ConnectionError("the episode is over")
    reply: dict[str, object] = json.loads(raw)
    return reply


def main(arguments: list[str]) -> int:
    """`send [--to SEAT] [TEXT...]`, `recv [--wait SECONDS]`, `agents`, `run [--timeout SECONDS] LINE`, or `--json`.

    Any other name is that of something the seat can do at its desk; its words are read there.
    """
    if arguments and arguments[0] not in ("send", "recv", "agents", "run", "-h", "--help"):
        return _done(arguments[0], {"op": arguments[0], "words": arguments[1:]}, as_json=False)
    parser = argparse.ArgumentParser(prog="collab", description="Talk to your teammates.")
    verbs = parser.add_subparsers(dest="op", required=True)
    send = verbs.add_parser("send", prog="collab-send", help="send a message to a teammate, or to all")
    send.add_argument("--to", metavar="SEAT", help="one teammate (default: all)")
    send.add_argument("text", nargs="*", help="the message (default: standard input)")
    receive = verbs.add_parser("recv", prog="collab-recv", help="print messages that have come in, and forget them")
    receive.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="wait so long for the first")
    agents = verbs.add_parser("agents", prog="collab-agents", help="print who you are and who your teammates are")
    run = verbs.add_parser("run", prog="collab-run", help="run a command in the sandbox of the task")
    run.add_argument("--timeout", type=float, default=300.0, metavar="SECONDS", help="when it is killed")
    run.add_argument("line", nargs=argparse.REMAINDER, help="a line for the shell, or a program and its arguments")
    for verb in (send, receive, agents, run):
        verb.add_argument("--json", action="store_true", help="print the answer as JSON")
    options = parser.parse_args(arguments)
    request: dict[str, object] = {"op": options.op}
    if options.op == "send":
        request |= {"to": options.to, "text": " ".join(options.text) if options.text else sys.stdin.read()}
    elif options.op == "recv":
        request["wait"] = options.wait
    elif options.op == "run":
        words = options.line[1:] if options.line[:1] == ["--"] else options.line
        request |= {"line": words[0] if len(words) == 1 else shlex.join(words), "timeout": options.timeout}
    return _done(options.op, request, as_json=options.json)


def _done(op: str, request: dict[str, object], *, as_json: bool) -> int:
    try:
        reply = call(request)
    except ConnectionError as error:
        print(f"collab-{op}: {error}", file=sys.stderr)
        return 2
    if "error" in reply:
        print(f"collab-{op}: {reply['error']}", file=sys.stderr)
        return 1
    print(json.dumps(reply) if as_json else _plain(op, reply))
    status = reply.get("status", 0)
    return status if isinstance(status, int) else 1


def _plain(op: str, reply: dict[str, object]) -> str:
    if "text" in reply:
        return str(reply["text"])
    if op == "agents":
        teammates = reply["teammates"]
        assert isinstance(teammates, list)
        return f"you are {reply['seat']}\nteammates: {' '.join(teammates) or 'none'}"
    messages = reply["messages"]
    assert isinstance(messages, list)
    return "\n".join(f"{message['from']}: {message['text']}" for message in messages) or "(no messages)"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
