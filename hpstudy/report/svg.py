"""A matplotlib figure as SVG within a page."""

from __future__ import annotations

from xml.etree import ElementTree

from matplotlib.figure import Figure

from hpstudy.report.pdf import figure_bytes

_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}href"


def inline(figure: Figure, name: str, words: str) -> str:
    """The figure as an svg element that can stand beside others on one page. Call it within `style.applied()`.

    Names in it that something refers to get a prefix, all others go, and so do its style sheet, which would rule the whole page, its
    size and its comments. Text is drawn as paths.

    Args:
        figure: to draw.
        name: the prefix; unique on the page.
        words: what those hear who do not see it.
    """
    root = ElementTree.fromstring(figure_bytes(figure, "svg", dpi=150))
    prefix = f"{name}-"
    used = {target for element in root.iter() for target in _targets(element)}
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{_SVG}metadata", f"{_SVG}style"):
                parent.remove(child)
    for element in root.iter():
        _rename(element, prefix, used)
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    root.set("role", "img")
    root.set("aria-label", words)
    root.set("style", "stroke-linejoin: round; stroke-linecap: butt")
    ElementTree.register_namespace("", _SVG.strip("{}"))
    return ElementTree.tostring(root, encoding="unicode")


def _targets(element: ElementTree.Element) -> list[str]:
    """Names of the elements that this one refers to."""
    found = [value[1:] for key, value in element.attrib.items() if key in (_XLINK, "href") and value.startswith("#")]
    found += [part.split(")")[0] for value in element.attrib.values() for part in value.split("url(#")[1:]]
    return found


def _rename(element: ElementTree.Element, prefix: str, used: set[str]) -> None:
    if (own := element.attrib.pop("id", None)) in used:
        element.set("id", f"{prefix}{own}")
    if (link := element.attrib.pop(_XLINK, None)) is not None:
        element.set("href", f"#{prefix}{link[1:]}" if link.startswith("#") else link)
    for key, value in element.attrib.items():
        if "url(#" in value:
            element.set(key, value.replace("url(#", f"url(#{prefix}"))
