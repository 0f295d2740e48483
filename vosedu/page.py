"""A notebook as one HTML page that shows everything without a network."""

from __future__ import annotations

import logging
import re
import unicodedata
from contextlib import suppress
from html import unescape
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import pass_context
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from vosedu.writing import write_text

WIDGET = "application/vnd.jupyter.widget-view+json"
TEMPLATE = """\
{%- extends 'index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block input_group -%}
{%- if 'hide-input' in cell.metadata.get('tags', ()) -%}
<details class="vosedu-folded"><summary>code of this cell</summary>{{ super() }}</details>
{%- else -%}{{ super() }}{%- endif -%}
{%- endblock -%}
"""
"""JupyterLab's page without the scripts it would fetch, cells of the tag `hide-input` folded."""

LETTER = re.compile(
    r'<(m[in]) mathvariant="(bold|bold-italic|double-struck|script)">(.|&#x\w+;)</\1>'
)
STYLE = """\
<style>
.vosedu-folded {margin-left: 80px} .vosedu-folded summary {color: #616161}
.jp-InputArea .highlight pre {white-space: pre-wrap; overflow-wrap: anywhere}
</style>"""
"""Folded cells beside the others, and no line of code that ends outside the page."""


def to_html(notebook: Path, target: Path) -> None:
    """Write a notebook as one page. Widgets, which need a kernel, leave their pictures.

    Formulas are MathML, which browsers draw by themselves. Links to other notebooks lead to their
    pages, which are expected to lie as the notebooks do.
    """
    logging.getLogger("traitlets").setLevel(logging.ERROR)
    content = nbformat.read(notebook, as_version=4)
    content.metadata.pop("widgets", None)
    for cell in content.cells:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(WIDGET, None)
    where = {"metadata": {"name": notebook.stem, "path": str(notebook.parent)}}
    text, _ = Page().from_notebook_node(content, resources=where)
    text = re.sub(r'(<a [^>]*href="(?!\w+:)[^"]*)\.ipynb(?=["#])', r"\1.html", text)
    write_text(target, text.replace("</head>", f"{STYLE}</head>", 1))


def mathml(tex: str, display: str) -> str:
    """A formula as MathML; as it is where the converter cannot read it. display: inline, block."""
    plain = re.sub(r"\\[bB]ig+[lr]?\s*(?=\\[lr](?:floor|ceil))", "", tex)  # it draws no large ones
    try:
        drawn = str(convert(plain, display=display))
    except Exception:  # whatever it stumbles over: a formula in TeX is better than no page
        sign = "$" if display == "inline" else "$$"
        return f"{sign}{tex}{sign}"
    return LETTER.sub(lambda found: _letter(*found.groups()), drawn)


def _letter(tag: str, variant: str, letter: str) -> str:
    """A bold or double-struck letter as the character it is: browsers ignore `mathvariant`."""
    letter = unescape(letter)
    kind, name = variant.upper().replace("BOLD-", "BOLD "), unicodedata.name(letter)
    plain = re.sub(r"LATIN |GREEK |LETTER ", "", name)
    for words in (f"MATHEMATICAL {kind} {plain}", f"{kind} {plain}"):
        with suppress(KeyError):
            letter = unicodedata.lookup(words)
            break
    return f"<{tag}>{letter}</{tag}>"


class Page(HTMLExporter):  # type: ignore[misc]
    """nbconvert's exporter with formulas as MathML, pictures inside and nothing to fetch."""

    def __init__(self) -> None:
        super().__init__(template_name="lab", raw_template=TEMPLATE, embed_images=True)

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Markdown as HTML, with what nbconvert's own filter takes from the context."""
        renderer = _Renderer(
            escape=False,
            attachments=context.get("cell", {}).get("attachments", {}),
            embed_images=self.embed_images,
            path=context.get("resources", {}).get("metadata", {}).get("path", ""),
            anchor_link_text=self.anchor_link_text,
            exclude_anchor_links=self.exclude_anchor_links,
        )
        return str(MarkdownWithMath(renderer=renderer).render(source))


class _Renderer(IPythonRenderer):  # type: ignore[misc]
    def _html_embed_images(self, html: str) -> str:
        """Of raw HTML, with its pictures inside; without any, as it is.

        The parser behind it closes what a block leaves open, such as the <details> around a hint,
        whose end is in a later block.
        """
        return str(super()._html_embed_images(html)) if "<img" in html else html

    def inline_math(self, body: str) -> str:
        return mathml(body, "inline")

    def block_math(self, body: str) -> str:
        return mathml(body, "block")

    def latex_environment(self, name: str, body: str) -> str:
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")
