"""Drawing for reports: pieces of SVG that several families' pictures are made of.

A picture is shown as an image on a white page, at least 480 pixels wide. Nothing in it may mean something by colour
alone: seats have a shape beside their colour, what was only said is hatched, what is true is filled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

SEATS: Final = (
    ("circle", "#2f81f7"),
    ("square", "#d9730d"),
    ("triangle", "#2c9a4a"),
    ("diamond", "#a371f7"),
    ("down", "#db3d8a"),
    ("pentagon", "#1b9aaa"),
    ("cross", "#a0703c"),
    ("star", "#808890"),
)
"""Shape and colour of seats, in their order; a table of more begins again. The report's page uses the same."""

INK: Final = "#1b1f24"
SOFT: Final = "#57606a"
FAINT: Final = "#d0d7de"
GOOD: Final = "#1a7f37"
BAD: Final = "#b42318"
PATH: Final = "#2f81f7"
SMALLEST: Final = 12
"""Font size of the smallest words, in units of a picture that is as wide as `WIDTH`."""

WIDTH: Final = 600

SHAPES: Final = {
    "circle": "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z",
    "square": "M-.85 -.85h1.7v1.7h-1.7z",
    "triangle": "M0 -1.05L1 .8H-1z",
    "diamond": "M0 -1.15L1.15 0L0 1.15L-1.15 0z",
    "down": "M0 1.05L1 -.8H-1z",
    "pentagon": "M0 -1.05L1 -.3L.62 .85H-.62L-1 -.3z",
    "cross": "M-.4 -1h.8v.6h.6v.8h-.6v.6h-.8v-.6h-.6v-.8h.6z",
    "star": "M0 -1.15L.3 -.35L1.1 -.35L.45 .15L.7 1L0 .5L-.7 1L-.45 .15L-1.1 -.35L-.3 -.35z",
}
"""By name, the path of a shape about as large as a circle of radius 1."""


def seat_of(number: int) -> tuple[str, str]:
    """Shape and colour of the seat `number`, from 0."""
    return SEATS[number % len(SEATS)]


class Sketch:
    """An SVG picture in the making, drawn from the top left in units of pixels.

    Attributes:
        parts: what has been drawn, in order.
        bottom: the lowest line that words or boxes have reached; the picture's height follows from it.
    """

    def __init__(self, label: str, width: float = WIDTH) -> None:
        self.label, self.width = label, width
        self.parts: list[str] = []
        self.bottom = 0.0

    def add(self, markup: str, bottom: float = 0.0) -> None:
        """Add markup as it stands."""
        self.parts.append(markup)
        self.bottom = max(self.bottom, bottom)

    def text(
        self,
        x: float,
        y: float,
        words: object,
        *,
        size: float = 13,
        fill: str = INK,
        anchor: str = "start",
        bold: bool = False,
        tip: str = "",
    ) -> None:
        """Words on the base line `y`."""
        weight = ' font-weight="bold"' if bold else ""
        title = f"<title>{escape(tip)}</title>" if tip else ""
        self.add(
            f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{fill}" text-anchor="{anchor}"{weight}>'
            f"{title}{escape(str(words))}</text>",
            y + 5,
        )

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str = "none",
        stroke: str = "none",
        tip: str = "",
        dash: bool = False,
    ) -> None:
        """A rectangle; `tip` is what is read where a pointer rests on it."""
        title = f"<title>{escape(tip)}</title>" if tip else ""
        dashed = ' stroke-dasharray="4 3"' if dash else ""
        self.add(
            f'<rect x="{x:g}" y="{y:g}" width="{max(0.0, width):g}" height="{max(0.0, height):g}" fill="{fill}" '
            f'stroke="{stroke}"{dashed}>{title}</rect>',
            y + height,
        )

    def line(
        self, x1: float, y1: float, x2: float, y2: float, *, stroke: str = SOFT, width: float = 1, dash: bool = False
    ) -> None:
        """A straight line."""
        dashed = ' stroke-dasharray="6 4"' if dash else ""
        self.add(
            f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{stroke}" '
            f'stroke-width="{width:g}"{dashed}/>',
            max(y1, y2),
        )

    def seat(self, x: float, y: float, number: int, size: float = 6, *, hollow: bool = False) -> None:
        """The mark of a seat, in its shape and colour."""
        shape, colour = seat_of(number)
        look = f'fill="#fff" stroke="{colour}" stroke-width="2"' if hollow else f'fill="{colour}"'
        thin = look.replace('stroke-width="2"', f'stroke-width="{2 / size:g}"')
        self.add(f'<path transform="translate({x:g} {y:g}) scale({size:g})" d="{SHAPES[shape]}" {thin}/>', y + size)

    def legend(self, y: float, entries: Sequence[tuple[Callable[[float, float], None] | None, str]]) -> None:
        """What signs mean, from the line `y` down: each entry draws its sign around a middle point, and has words.

        Where the sign is None, the words are all.
        """
        x = 4.0
        for sign, words in entries:
            wide = 6 + 20 * (sign is not None) + 6.7 * len(words)
            if x > 4 and x + wide > self.width:
                x, y = 4.0, y + 20
            if sign is not None:
                sign(x + 8, y)
            self.text(x + 20 * (sign is not None), y + 4.5, words, size=SMALLEST, fill=SOFT)
            x += wide + 8

    def seat_sign(self, number: int) -> Callable[[float, float], None]:
        """A seat's mark, for a legend."""
        return lambda x, y: self.seat(x, y, number, 5)

    def box_sign(
        self, fill: str = "none", stroke: str = "none", *, dash: bool = False
    ) -> Callable[[float, float], None]:
        """A small square, for a legend."""
        return lambda x, y: self.box(x - 6, y - 6, 12, 12, fill=fill, stroke=stroke, dash=dash)

    def line_sign(self, stroke: str, width: float = 2, *, dash: bool = False) -> Callable[[float, float], None]:
        """A short line, for a legend."""
        return lambda x, y: self.line(x - 8, y, x + 8, y, stroke=stroke, width=width, dash=dash)

    def hatch(self, name: str, colour: str, *, turned: bool = False, gap: float = 6) -> str:
        """Define stripes, and return what `fill` calls them."""
        angle = -45 if turned else 45
        self.add(
            f'<pattern id="{name}" width="{gap:g}" height="{gap:g}" patternUnits="userSpaceOnUse" '
            f'patternTransform="rotate({angle})"><line x1="0" y1="0" x2="0" y2="{gap:g}" stroke="{colour}" '
            'stroke-width="2.4"/></pattern>'
        )
        return f"url(#{name})"

    def arrow(self, name: str, colour: str) -> str:
        """Define the head of an arrow, and return what `marker-end` calls it."""
        self.add(
            f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
            f'orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="{colour}"/></marker>'
        )
        return f"url(#{name})"

    def svg(self) -> str:
        """The whole picture."""
        height = round(self.bottom + 6)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label={quoteattr(self.label)} '
            f'viewBox="0 0 {self.width:g} {height}" width="{self.width:g}" height="{height}" '
            f'font-family="system-ui, sans-serif" fill="none">{"".join(self.parts)}</svg>'
        )
