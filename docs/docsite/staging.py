"""
The source of the site: the pages, with links that work without a network, and more pages.

The pages are written for GitHub. There a link may lead to any file of the project, and a word behind the
language of a block of code is not shown. In the copy a link to another page stays, a link to an example
leads to a page that shows it, and a link to any other file becomes plain text.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import frozen
from PIL import Image

from docsite import api, contents
from docsite.diagram import drawn
from docsite.markdown import Fence, map_links, parts, slug

__all__ = ["stage"]

EXAMPLES: Final = "docs/examples"
DATA: Final = (".json", ".png", ".svg")
"""The ends of files that pages show, or offer to save."""

SMALLER_PICTURE: Final = ".webp"
"""The end of pictures in the site: without loss, and two thirds of the bytes of PNG."""

OF_THE_PROJECT: Final = ("README.md", "README.ko.md", "CHANGELOG.md", "SECURITY.md")
"""Pages outside of this folder for those who use tcpcomm, if they are there."""

TITLES: Final = {"README.md": "Install and run tcpcomm", "README.ko.md": "tcpcomm 설치와 실행"}
"""Titles in the site for pages that have the same one."""

KOREAN: Final = "docs/ko/"

_LINK_TO_OTHER_LANGUAGE: Final = re.compile(r"^\[(?:한국어|English)\]\([^()]*\)\n\n", re.MULTILINE)
"""A line for GitHub: in the site, each page with a twin has such a link above its title."""

LANGUAGES: Final = {
    ".py": "python",
    ".cs": "csharp",
    ".toml": "toml",
    ".yml": "yaml",
}
"""The language of an example, by the end of its name."""

SHOWN_AS: Final = {"mermaid": "text", "output": "text", "": "text"}
"""Another language for a block of code, where Pygments does not know its own."""


def stage(project: Path, source: Path) -> None:
    """
    Write the source of the site.

    Args:
        project: the folder of the project.
        source: an empty folder.
    """
    pages = Pages.of(project)
    for path, name in pages.names.items():
        _write(source / f"{name}.md", pages.staged(path))
    for folder, files in pages.examples.items():
        _write(source / f"{_page_of_examples(folder)}.md", _examples(project, folder, files))
        for file in files:
            _copy(project / file, source / "examples" / "files" / file.removeprefix(f"{EXAMPLES}/"))
    for path in _files(project / "docs", project):
        if path.endswith(DATA) and not path.startswith(EXAMPLES):
            target = source / path.removeprefix("docs/")
            if target.suffix == ".png":
                _write_smaller_picture(project / path, target.with_suffix(SMALLER_PICTURE))
            else:
                _copy(project / path, target)
    for name, text in api.Names.of((project / api.PAGE).read_text("utf-8")).pages():
        _write(source / f"{name}.rst", text)
    texts = {name: (source / f"{name}.md").read_text("utf-8") for name in pages.staged_names()}
    for name, text in contents.pages(texts).items():
        _write(source / f"{name}.md", text)


@frozen
class Pages:
    """The pages of the project, by their paths in it, such as ``docs/howto/tls.md``."""

    project: Path
    names: dict[str, str]
    """The name of each page in the site, without its end."""
    examples: dict[str, list[str]]
    """The files of each folder of examples."""

    @classmethod
    def of(cls, project: Path) -> Pages:
        """Find the pages of a project."""
        names = {
            each: f"project/{each.removesuffix('.md')}"
            for each in OF_THE_PROJECT
            if (project / each).exists()
        }
        examples: dict[str, list[str]] = {}
        for path in _files(project / "docs", project):
            if path.startswith(f"{EXAMPLES}/"):
                inner = path.removeprefix(f"{EXAMPLES}/")
                folder, _, rest = inner.partition("/")
                if folder == "comparison":
                    folder = posixpath.join(folder, rest.partition("/")[0])
                if (project / path).stat().st_size:
                    examples.setdefault(folder if rest else "", []).append(path)
            elif path.endswith(".md"):
                name = path.removeprefix("docs/").removesuffix(".md")
                names[path] = re.sub(r"(^|/)README$", r"\1index", name)
        return cls(project, names, examples)

    def staged_names(self) -> list[str]:
        """Return the names of all pages in the site that have been written so far."""
        return [*self.names.values(), *map(_page_of_examples, self.examples)]

    def staged(self, path: str) -> str:
        """Return the text of a page for the site."""
        text = (self.project / path).read_text("utf-8")
        if path in TITLES:
            text = re.sub(r"^# .*$", f"# {TITLES[path]}", text, count=1, flags=re.MULTILINE)
            text = _LINK_TO_OTHER_LANGUAGE.sub("", text)
        staged = "".join(
            _block(part) if isinstance(part, Fence) else map_links(part, self._link_from(path))
            for part in parts(text)
        )
        if path == api.PAGE:
            staged = api.add_links(staged)
        twin = self._twin(path)
        return f"---\ntwin: {self.names[twin]}\n---\n{staged}" if twin else staged

    def _twin(self, path: str) -> str:
        """Return the same page in the other language, Korean or English, or an empty text."""
        pairs = {"README.md": "README.ko.md", "README.ko.md": "README.md", "docs/README.md": "README.ko.md"}
        if path.startswith(KOREAN):
            twin = f"docs/{path.removeprefix(KOREAN)}"
        else:
            twin = pairs.get(path) or f"{KOREAN}{path.removeprefix('docs/')}"
        return twin if twin in self.names else ""

    def _link_from(self, page: str):  # type: ignore[no-untyped-def]
        here = posixpath.dirname(self.names[page])

        def change(image: str, text: str, target: str) -> str:
            if re.match(r"[a-z]+:", target):
                return f"{image}[{text}]({target})" if not image else text
            path, _, anchor = target.partition("#")
            if not path:
                return f"{image}[{text}]({target})"
            there = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
            found = self._place_of(there, anchor)
            if found is None:
                return text
            name, anchor = found
            relative = posixpath.relpath(name, here or ".")
            return f"{image}[{text}]({relative}{'#' if anchor else ''}{anchor})"

        return change

    def _place_of(self, path: str, anchor: str) -> tuple[str, str] | None:
        """Return the file of the source that shows a file of the project, and the anchor in it, or None."""
        if path in self.names:
            return f"{self.names[path]}.md", anchor
        if path == EXAMPLES or path.startswith(f"{EXAMPLES}/"):
            for folder, files in self.examples.items():
                if path in files:
                    return f"{_page_of_examples(folder)}.md", slug(_name_in(folder, path))
            inner = path.removeprefix(EXAMPLES).strip("/")
            if inner in self.examples:
                return f"{_page_of_examples(inner)}.md", ""
            return "examples/index.md", ""
        if path.startswith("docs/") and path.endswith(DATA):
            return re.sub(r"\.png$", SMALLER_PICTURE, path.removeprefix("docs/")), anchor
        return None


def _block(fence: Fence) -> str:
    """Return a block of code for the site, with the name of its file as its caption."""
    if fence.language == "mermaid" and (diagram := drawn(fence.text)):
        return f"{diagram}\n"
    language = SHOWN_AS.get(fence.language, fence.language)
    code = re.sub(r"^<BLANKLINE>$", "", fence.text, flags=re.MULTILINE)  # a mark for the tests
    caption = fence.value("file") or posixpath.basename(fence.value("from") or "")
    longest = max((len(each) for each in re.findall(r"^ *(`{3,})", code, re.MULTILINE)), default=2)
    mark = "`" * max(longest + 1, 3)
    options = [f":caption: {caption}"] if caption else []
    if fence.language == "output":
        options.append(":class: output")
    head = "".join(f"{each}\n" for each in options)
    text = f"{mark}{{code-block}} {language}\n{head}{'' if not head else chr(10)}{code}{mark}\n"
    return "".join(
        f"{fence.indent}{line}" if line.strip() else line for line in text.splitlines(keepends=True)
    )


def _page_of_examples(folder: str) -> str:
    return f"examples/{folder or 'index'}"


def _name_in(folder: str, path: str) -> str:
    return posixpath.relpath(path, posixpath.join(EXAMPLES, folder))


def _examples(project: Path, folder: str, files: list[str]) -> str:
    """Return a page that shows the examples of one folder."""
    lines = [f"# Examples: {folder}\n" if folder else "# Examples in one file\n"]
    for path in files:
        name = _name_in(folder, path)
        up = posixpath.relpath(".", posixpath.dirname(_page_of_examples(folder)))
        file = posixpath.join(up, "examples/files", path.removeprefix(f"{EXAMPLES}/"))
        language = LANGUAGES.get(posixpath.splitext(path)[1], "text")
        lines += [
            f"## {name}\n",
            f"```{{literalinclude}} {file}\n:language: {language}\n```\n",
        ]
    return "\n".join(lines)


def _files(folder: Path, project: Path) -> Iterator[str]:
    """Yield the paths of all files in a folder, in order, but not those that Python or Git keep there."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if each[0] not in "._" and each != "docsite")
        for file in sorted(files):
            if file[0] != "." and not file.endswith(".pyc"):
                yield Path(place, file).relative_to(project).as_posix()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")


def _write_smaller_picture(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(path) as picture:
        picture.convert("RGB").save(target, lossless=True, method=6)


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)
