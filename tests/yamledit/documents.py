"""Random YAML files that name images: all styles, odd indentation, comments, anchors, line ends, several documents.

`files` draws documents that mean nothing beyond the images in them; `samples` draws also those that only a kind of
document, a marker, a site or a template gives a meaning.
"""

from collections.abc import Callable
from dataclasses import dataclass

import hypothesis.strategies as st

from imagebot.image.reference import parse_repository
from imagebot.yamledit.captures import parse_file_pattern, parse_image_template
from imagebot.yamledit.locate import Bindings
from imagebot.yamledit.sites import Site, make_site
from imagebot.yamledit.yaml_path import parse_yaml_path

LINE_ENDS = ("\n", "\r\n", "\r")

tags = st.one_of(
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,12}", fullmatch=True),
    st.from_regex(r"v?[0-9]{1,2}(\.[0-9]{1,3}){0,2}(-[a-z]{1,6})?", fullmatch=True),
    st.from_regex(r"[0-9a-f]{7}|[0-9]{1,8}|[0-9]e[0-9]{1,4}|0[xob][0-7]{1,3}|20[0-9]{2}-0[1-9]-1[0-9]", fullmatch=True),
    st.sampled_from(["on", "no", "y", "null", "true", "1_000", "012", "1.10", "x" * 128]),
)
digests = st.sampled_from([f"sha256:{digit * 64}" for digit in "0a9f"])

_NAMES = ["nginx", "acme/api", "ghcr.io/acme/api", "localhost:5000/web", "quay.io:443/a/b_c--d.e"]
_PLAIN = ["x", "a b", "1.5", "tag", "image", "ü", "漢字", "🐳 b", "http://x/y?z", "a#b", "--port=1", "..", "=", ""]
_QUOTED = ["it is", "a: b", "# no", "image: nginx:1.2", "ü🐳", "", "{{ x }}", "- x"]
_KEYS = ["a", "b c", '"image tag"', "'k'", "kind", "ключ", "🐳", "tags", "http://k", "name", "image-x", "a "]
_ENDS = ["", "", "", "", " ", "   ", "  # image: old:1.0", " # ü🐳: 'x", " #"]
_BLANKS = ["", "", "", "", "\n", "# image: nginx:0\n", "   # ü\n", "  \n"]


def _make_site(files: str, **paths: str) -> Site:
    steps = {part: parse_yaml_path(path) for part, path in paths.items()}
    return make_site([parse_file_pattern(files)], parse_image_template("ghcr.io/acme/{app}"), steps, position=1)


BINDINGS = Bindings(
    sites=(
        _make_site("tags/{app}", tag="."),
        _make_site("{app}.yaml", tag="site.release", digest="site.hash"),
        _make_site("{app}.yaml", tag="sites[*].release"),
    ),
    images={"api": parse_repository("ghcr.io/acme/api"), "any": None, "ns:p": parse_repository("nginx")},
    reads_flux=True,
)


@dataclass(frozen=True)
class Sample:
    """A file, and where it stands in its git repo; BINDINGS say what its markers name, and its sites."""

    data: bytes
    path: str


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """Return a file of one to three documents, some of them known by kind, marker or site, perhaps with actions."""
    if draw(st.integers(0, 19)) == 0:
        return Sample(_end_lines(draw, _Document(draw).write_bare_tag()).encode(), "tags/web")
    texts = []
    for _ in range(draw(st.integers(1, 3))):
        document = _Document(draw)
        write = draw(st.sampled_from([_Document.write, *_FORMS]))
        texts.append(write(document))
    return Sample(_end_lines(draw, "---\n".join(texts)).encode(), "web.yaml")


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Return a file of one to three documents."""
    texts = [_Document(draw).write() for _ in range(draw(st.integers(1, 3)))]
    text = draw(st.sampled_from(["", "# ü🐳 image: x\n---\n", "%YAML 1.1\n---\n"])) + "---\n".join(texts)
    return _end_lines(draw, text).encode()


def _end_lines(draw: st.DrawFn, text: str) -> str:
    """Return the text with other line ends, perhaps none at the end, perhaps behind a byte order mark."""
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    pieces = text.split("\n")
    ends = draw(st.sampled_from([*([end] for end in LINE_ENDS), list(LINE_ENDS)]))
    text = pieces[0] + "".join(ends[number % len(ends)] + piece for number, piece in enumerate(pieces[1:]))
    return draw(st.sampled_from(["", "\ufeff"])) + text


class _Document:
    """Writes one document; entries end with a line end, and are drawn as they are written."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._images: list[str] = []
        self._anchors = 0

    def write(self) -> str:
        return self._write_mapping(0, depth=0)

    def write_bare_tag(self) -> str:
        return self._pick(_BLANKS) + self._quote_tag() + self._end()

    def write_gitlab(self) -> str:
        job = self._pick(["build", ".hidden", '"a b"', "default"])
        return (
            f"{job}:\n  script: [make]{self._end()}  services:{self._end()}  - {self._write_reference()}{self._end()}"
            f"{self._pick(_BLANKS)}  - name: {self._write_reference()}{self._end()}    alias: db\n"
            f"  image:\n    entrypoint: ['']\n    name: {self._write_reference()}{self._end()}"
        )

    def write_github(self) -> str:
        return (
            f"on: push\njobs:\n  test:\n    runs-on: x\n    container: {self._write_reference()}{self._end()}"
            f"    steps:\n    - uses: {self._write_reference('docker://')}{self._end()}"
            f"    - {{uses: {self._write_reference('docker://')}, with: {{args: x}}}}\n"
        )

    def write_application(self) -> str:
        prefix = self._pick(["image", "a.image"])
        parameters = [
            f"      - name: {prefix}.{part}{self._end()}        value: {text}{self._end()}"
            for part, text in (("repository", self._quote("acme/api")), ("tag", self._quote_tag()))
        ]
        return (
            f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n"
            f"    kustomize:\n      images:{self._end()}"
            f"      - {self._write_reference('old/name=')}{self._end()}      - {self._write_reference()}{self._end()}"
            f"    helm:\n      parameters:\n{''.join(self._draw(st.permutations(parameters)))}"
            f"      values: {self._pick(['|', '|-', '|+'])}\n{self._write_nested(8)}"
            f"      valuesObject:\n{self._write_mapping(8, depth=1)}"
        )

    def write_tekton(self) -> str:
        return (
            "apiVersion: tekton.dev/v1\nkind: TaskRun\nspec:\n  taskRef:\n    resolver: bundles\n    params:\n"
            f"    - {{name: kind, value: task}}\n    - name: bundle{self._end()}"
            f"      value: {self._write_reference()}{self._end()}"
        )

    def write_oci_repository(self) -> str:
        parts = [f"    tag: {self._quote_tag()}{self._end()}"]
        if self._draw(st.booleans()):
            parts.append(f"    digest: {self._quote(self._draw(digests))}{self._end()}")
        return (
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nspec:\n"
            f"  url: oci://{self._pick(_NAMES[2:])}\n  ref:{self._end()}{''.join(self._draw(st.permutations(parts)))}"
        )

    def write_split(self) -> str:
        digest = self._draw(digests)
        sha = ("sha", self._pick([digest.removeprefix("sha256:"), ""]))
        parts = self._pick_parts(
            [("repository", "acme/api"), ("tag", self._draw(tags)), sha],
            [("registry", "ghcr.io"), ("repository", "acme"), ("image", "api"), ("version", self._draw(tags))],
            [("name", "acme/api"), ("tag", self._draw(tags)), ("digest", "")],
            [("repository", "acme/api"), ("tag", f"{self._draw(tags)}@{digest}")],
        )
        lines = [f"  {key}: {self._quote(text)}{self._end()}" for key, text in parts]
        return f"{self._pick(['image', 'sideImage'])}:{self._end()}{''.join(self._draw(st.permutations(lines)))}"

    def write_marked(self) -> str:
        whole, digest = self._write_reference(), self._quote(self._pick([self._draw(digests), ""]))
        lines = [
            f"a: {whole} # imagebot: any\n",
            f'b:\n- x\n- {self._quote_tag()} #{{"$imagepolicy": "ns:p:tag"}}\n',
            f"# imagebot: api:tag\nrelease: {self._quote_tag()}{self._end()}",
            f"c: {{tag: {self._quote_tag()}, u: v}} # imagebot: api:tag\n",
            f"d:\n  v: {self._quote_tag()} # imagebot: api:tag\n  w: {digest} #imagebot: api:digest\n",
            f"image: {self._write_reference()} # imagebot: api\n",
        ]
        return "".join(self._draw(st.lists(st.sampled_from(lines), min_size=1, max_size=4, unique=True)))

    def write_at_site(self) -> str:
        hash_ = self._pick(["", f"  hash: {self._quote(self._draw(digests))}{self._end()}"])
        return (
            f"site:{self._end()}  release: {self._quote_tag()}{self._end()}{hash_}"
            f"sites:\n- {{release: {self._quote_tag()}}}\n- release: {self._quote_tag()}{self._end()}"
        )

    def write_template(self) -> str:
        blocks = [
            f"image: {self._write_reference()}{self._end()}",
            "name: {{ .Release.Name }}-x\n",
            f'b:\n  image: "{{{{ .Values.registry }}}}/web:{self._draw(tags)}"{self._end()}',
            "image: {{ .Values.image }}\n",
            f"{{{{/* it's {{{{ */}}}}\nc: {{image: {self._write_reference()}}}\n",
            f"d:\n  repository: acme/api\n  tag: {self._quote_tag()}{self._end()}",
        ]
        chosen = self._draw(st.lists(st.sampled_from(blocks), min_size=1, max_size=4, unique=True))
        return "".join(
            f"{{{{- if .Values.x{number} }}}}\n{block}{{{{- end }}}}\n" for number, block in enumerate(chosen)
        )

    def _pick(self, choices: list[str]) -> str:
        return self._draw(st.sampled_from(choices))

    def _write_mapping(self, indent: int, *, depth: int) -> str:
        count = self._draw(st.integers(1, 3))
        return "".join(self._pick(_BLANKS) + " " * indent + self._write_entry(indent, depth) for _ in range(count))

    def _write_entry(self, indent: int, depth: int) -> str:
        kind = self._pick(["text", "image", "image", "flow"] + ["mapping", "sequence", "split", "images"] * (depth < 3))
        inner = indent + self._draw(st.integers(1, 4))
        dash = " " * self._draw(st.sampled_from([indent, inner])) + "-" + " " * self._draw(st.integers(1, 3))
        key = "images" if kind == "images" else self._pick(_KEYS)
        if kind == "mapping":
            return f"{key}:{self._end()}" + self._write_mapping(inner, depth=depth + 1)
        if kind == "sequence":
            image = self._write_image(len(dash))
            return f"{key}:{self._end()}{dash}{image}{dash}{self._write_scalar()}{self._end()}"
        if kind in ("split", "images"):
            parts = self._write_parts(kind)
            lead = dash if kind == "images" else " " * inner
            return f"{key}:{self._end()}" + lead + (" " * len(lead)).join(parts)
        if kind == "image":
            return self._write_image(indent)
        if kind == "flow":
            return f"{key}: {self._write_flow()}{self._end()}"
        return f"{key}:{self._write_text(indent)}"

    def _write_parts(self, kind: str) -> list[str]:
        keys = (
            ("repository", "registry", "tag", "digest") if kind == "split" else ("name", "newName", "newTag", "digest")
        )
        digest = self._draw(st.one_of(digests, st.just("")))
        texts = [self._pick(_NAMES), self._pick(["ghcr.io", ""]), self._draw(tags), digest]
        if kind == "split":
            texts[0] = self._pick(["nginx", "acme/api"])
        left_out = self._draw(st.sets(st.sampled_from([1, 2, 3] if digest else [1, 3]), max_size=2))
        parts = [f"{keys[n]}: {self._quote(texts[n])}{self._end()}" for n in range(4) if n not in left_out]
        return self._draw(st.permutations(parts))

    def _write_image(self, indent: int) -> str:
        key = self._pick(["image", "image", '"image"', "'image'", "image ", "? image\n" + " " * indent])
        if self._images and self._pick(["new", "new", "alias"]) == "alias":
            return f"{key}: *{self._pick(self._images)} {self._end()}"
        anchor = self._write_anchor(self._images) if self._pick(["", "", "&"]) else ""
        return f"{key}: {anchor}{self._write_reference()}{self._end()}"

    def _pick_parts(self, *choices: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return self._draw(st.sampled_from(choices))

    def _quote_tag(self) -> str:
        return self._quote(self._draw(tags))

    def _write_nested(self, indent: int) -> str:
        # The first line of a block has to be the one that is indented least.
        text = "x: y\n" + _Document(self._draw)._write_mapping(0, depth=1)
        return "".join(" " * indent + line for line in text.splitlines(keepends=True))

    def _write_reference(self, before: str = "") -> str:
        digest = f"@sha256:{64 * 'b'}"
        tail = self._pick(["tag", "tag", "tag", "tag and digest", "digest"])
        tag = "" if tail == "digest" else f":{self._draw(tags)}"
        text = before + self._pick(_NAMES) + tag + ("" if tail == "tag" else digest)
        # What stands before the reference is kept as it is written, which is only done if nothing is escaped.
        return self._pick([text, f"'{text}'", f'"{text}"']) if before else self._quote(text)

    def _write_anchor(self, anchors: list[str]) -> str:
        self._anchors += 1
        anchors.append(f"a{self._anchors}")
        return f"&a{self._anchors} "

    def _write_flow(self) -> str:
        entry = f"image: {self._write_reference()}"
        return self._pick([f"{{{entry}}}", f"{{ {entry} , b: c}}", f"[nginx:1.2, {{{entry}}}]", f"[ {entry} ]"])

    def _write_text(self, indent: int) -> str:
        kind = self._pick(["scalar", "literal", "folded"])
        if kind == "scalar":
            return f" {self._write_scalar()}{self._end()}"
        lead = " " * (indent + 2)
        header = self._pick(["|", "|-", "|+"]) if kind == "literal" else self._pick([">", ">-"])
        return f" {header}\n{lead}image: nginx:1.2\n{lead}🐳: {{x}}\n"

    def _write_scalar(self) -> str:
        anchor = self._write_anchor([]) if self._pick(["", "", "&"]) else ""
        tag = self._pick(["", "", "!!str ", "!x ", "!<tag:a,b> "])
        return anchor + tag + (self._pick(_PLAIN) if self._pick(["plain", "quoted"]) == "plain" else self._quoted())

    def _quoted(self) -> str:
        quote = self._pick(["'", '"'])
        return quote + self._pick(_QUOTED) + quote

    def _quote(self, text: str) -> str:
        spelled = [text, f"'{text}'", f'"{text}"', f'"\\x{ord(text[0]):02x}{text[1:]}"'] if text else ["''", '""']
        return self._pick(spelled)

    def _end(self) -> str:
        return self._pick(_ENDS) + "\n"


_FORMS: tuple[Callable[[_Document], str], ...] = (
    _Document.write_gitlab,
    _Document.write_github,
    _Document.write_application,
    _Document.write_tekton,
    _Document.write_oci_repository,
    _Document.write_split,
    _Document.write_marked,
    _Document.write_at_site,
    _Document.write_template,
)
