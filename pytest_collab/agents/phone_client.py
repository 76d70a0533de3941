"""`collab-send`, `collab-recv`, `collab-agents`: how a program talks to its teammates. Standard library only."""

from __future__ import annotations

import argparse
import json
import os
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
    """`send [--to SEAT] [TEXT...]`, `recv [--wait SECONDS]`, `agents`; all with `--json`."""
    parser = argparse.ArgumentParser(prog="collab", description="Talk to your teammates.")
    verbs = parser.add_subparsers(dest="op", required=True)
    send = verbs.add_parser("send", prog="collab-send", help="send a message to a teammate, or to all")
    send.add_argument("--to", metavar="SEAT", help="one teammate (default: all)")
    send.add_argument("text", nargs="*", help="the message (default: standard input)")
    receive = verbs.add_parser("recv", prog="collab-recv", help="print messages that have come in, and forget them")
    receive.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="wait so long for the first")
    agents = verbs.add_parser("agents", prog="collab-agents", help="print who you are and who your teammates are")
    for verb in (send, receive, agents):
        verb.add_argument("--json", action="store_true", help="print the answer as JSON")
    options = parser.parse_args(arguments)
    request: dict[str, object] = {"op": options.op}
    if options.op == "send":
        request |= {"to": options.to, "text": " ".join(options.text) if options.text else sys.stdin.read()}
    elif options.op == "recv":
        request["wait"] = options.wait
    try:
        reply = call(request)
    except ConnectionError as error:
        print(f"collab-{options.op}: {error}", file=sys.stderr)
        return 2
    if "error" in reply:
        print(f"collab-{options.op}: {reply['error']}", file=sys.stderr)
        return 1
    print(json.dumps(reply) if options.json else _plain(options.op, reply))
    return 0


def _plain(op: str, reply: dict[str, object]) -> str:
    if op == "send":
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
