"""How the PDF of a report looks: its styles, and the pieces that it is made of. Pure."""

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, LongTable, Paragraph, SimpleDocTemplate, TableStyle

MARGIN = 18 * mm
INK = colors.HexColor("#1b1f24")
FAINT = colors.HexColor("#57606a")
_LINE = colors.HexColor("#d0d7de")
VERDICT_INK = {
    "Pass": colors.HexColor("#1a7f37"),
    "Fail": colors.HexColor("#b42318"),
    "Unknown": colors.HexColor("#9a6700"),
    "Waived": colors.HexColor("#6639ba"),
}
STATUS_INK = {
    "Compliant": VERDICT_INK["Pass"],
    "NonCompliant": VERDICT_INK["Fail"],
    "PartiallyCompliant": VERDICT_INK["Unknown"],
}


def _style(name: str, size: float, **more: Any) -> ParagraphStyle:
    return ParagraphStyle(
        name, fontName="Helvetica", fontSize=size, leading=size * 1.3, textColor=INK, **more
    )


_BODY = _style("body", 9)
_SMALL = _style("small", 7.5, splitLongWords=1)
TITLE = ParagraphStyle("title", parent=_style("t", 18), fontName="Helvetica-Bold", spaceAfter=4)
_HEAD = ParagraphStyle(
    "head", parent=_style("h", 12), fontName="Helvetica-Bold", spaceBefore=10, spaceAfter=4
)
_GRID = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]
)


def document_bytes(
    story: list[Flowable], *, title: str, subject: str, footer: str, generated_at: str
) -> bytes:
    """Return the PDF of what is shown, dated `generated_at` (ISO 8601); always the same bytes."""
    buffer = io.BytesIO()
    template = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=title,
        author="Assayer",
        subject=subject,
        creator="Assayer",
        invariant=1,
        pageCompression=0,
    )
    moment = datetime.fromisoformat(generated_at).astimezone(UTC)
    template.build(story, canvasmaker=_canvas_maker(footer, moment))
    return buffer.getvalue()


def _canvas_maker(footer: str, generated_at: datetime) -> type[Canvas]:
    """Return a canvas that numbers its pages once their total is known, and dates the document."""

    class NumberedCanvas(Canvas):  # type: ignore[misc] # the package has no types
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._finished: list[dict[str, Any]] = []
            stamp = self._doc._timeStamp
            stamp.t = generated_at.timestamp()
            stamp.lt = generated_at.timetuple()
            stamp.YMDhms = tuple(stamp.lt)[:6]

        def showPage(self) -> None:  # noqa: N802 - the package's name
            self._finished.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self._finished, 1):
                self.__dict__.update(page)
                self.setFont("Helvetica", 7)
                self.setFillColor(FAINT)
                self.drawString(MARGIN, 10 * mm, footer)
                self.drawRightString(
                    A4[0] - MARGIN, 10 * mm, f"Page {number} of {len(self._finished)}"
                )
                super().showPage()
            super().save()

    return NumberedCanvas


def section(title: str, flowables: Sequence[Flowable]) -> list[Flowable]:
    """Return what a section shows under its title; nothing where it shows nothing."""
    return [Paragraph(safe(title), _HEAD), *flowables] if flowables else []


def bullets(texts: Iterable[str], otherwise: str) -> list[Flowable]:
    """Return marked-up texts as paragraphs, or what stands there where there are none."""
    found = [Paragraph(text, _BODY) for text in texts]
    return found or ([Paragraph(safe(otherwise), _BODY)] if otherwise else [])


def table(
    rows: Sequence[Sequence[str]], widths: Sequence[float], *, head: bool = False
) -> LongTable:
    """Return a table of marked-up texts whose columns are so many millimetres wide."""
    cells = [
        [Paragraph(f"<b>{text}</b>" if head and not index else text, _SMALL) for text in row]
        for index, row in enumerate(rows)
    ]
    made = LongTable(cells, colWidths=[width * mm for width in widths], repeatRows=int(head))
    made.setStyle(_GRID)
    made.hAlign = "LEFT"
    return made


def bold(text: str, ink: Any) -> str:
    """Return `text` in bold and in a colour."""
    return f'<font color="{ink.hexval().replace("0x", "#")}"><b>{safe(text)}</b></font>'


def safe(text: str) -> str:
    """Return `text` without markup, and with characters that the fonts lack as code points."""
    shown = []
    for character in text:
        try:
            character.encode("cp1252")
        except UnicodeEncodeError:
            shown.append(f"[U+{ord(character):04X}]")
        else:
            shown.append(character if character.isprintable() else " ")
    return escape("".join(shown))
