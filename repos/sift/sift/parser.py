"""Build the tree of an expression by recursive descent, one method a level of precedence."""

from __future__ import annotations

import re

from sift import nodes
from sift.errors import ParseError
from sift.lexer import Kind, Token, tokens

_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
_CONSTANTS = {"true": True, "false": False, "null": None}


def parse(text: str) -> nodes.Node:
    """Return the tree of ``text``; raises ``ParseError`` where it is no expression."""
    parser = _Parser(text)
    tree = parser.disjunction()
    parser.expect_end()
    return tree


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(tokens(text))
        self._index = 0

    # -- levels of precedence, loosest first

    def disjunction(self) -> nodes.Node:
        left = self.conjunction()
        while self._accept_keyword("or"):
            left = nodes.Or(left, self.conjunction())
        return left

    def conjunction(self) -> nodes.Node:
        left = self.negation()
        while self._accept_keyword("and"):
            left = nodes.And(left, self.negation())
        return left

    def negation(self) -> nodes.Node:
        if self._accept_keyword("not"):
            return nodes.Not(self.negation())
        return self.comparison()

    def comparison(self) -> nodes.Node:
        left = self.operand()
        if self._current.is_operator(*_COMPARISONS):
            operator = self._advance().text
            return nodes.Compare(operator, left, self.operand())
        return left

    def operand(self) -> nodes.Node:
        token = self._current
        if token.kind is Kind.OPEN:
            return self._parenthesised()
        if token.kind is Kind.NAME:
            return nodes.Name(tuple(self._advance().text.split(".")))
        return nodes.Literal(self._literal())

    def expect_end(self) -> None:
        """Raise ``ParseError`` unless the whole text has been read."""
        if self._current.kind is not Kind.END:
            raise self._unexpected("end of expression")

    # -- pieces

    def _parenthesised(self) -> nodes.Node:
        self._expect(Kind.OPEN)
        inner = self.disjunction()
        self._expect(Kind.CLOSE)
        return inner

    def _literal(self) -> nodes.Value:
        token = self._current
        if token.kind is Kind.NUMBER:
            self._advance()
            return float(token.text) if "." in token.text else int(token.text)
        if token.kind is Kind.STRING:
            self._advance()
            return re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)
        if token.is_keyword(*_CONSTANTS):
            self._advance()
            return _CONSTANTS[token.text]
        raise self._unexpected("a value")

    # -- tokens

    @property
    def _current(self) -> Token:
        return self._tokens[self._index]

    def _advance(self) -> Token:
        token = self._current
        self._index += 1
        return token

    def _accept_keyword(self, word: str) -> bool:
        if self._current.is_keyword(word):
            self._advance()
            return True
        return False

    def _expect(self, kind: Kind) -> Token:
        if self._current.kind is not kind:
            raise self._unexpected(repr(kind.value))
        return self._advance()

    def _unexpected(self, wanted: str) -> ParseError:
        token = self._current
        found = token.text if token.kind is not Kind.END else token.kind.value
        return ParseError(f"expected {wanted}, found {found!r}", self._text, token.position)
