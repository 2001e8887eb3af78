"""Random YAML files that name images: all styles, odd indentation, comments, anchors, line ends, several documents."""

import hypothesis.strategies as st

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


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Return a file of one to three documents."""
    texts = [_Document(draw).write() for _ in range(draw(st.integers(1, 3)))]
    text = draw(st.sampled_from(["", "# ü🐳 image: x\n---\n", "%YAML 1.1\n---\n"])) + "---\n".join(texts)
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    pieces = text.split("\n")
    ends = draw(st.sampled_from([*([end] for end in LINE_ENDS), list(LINE_ENDS)]))
    text = pieces[0] + "".join(ends[number % len(ends)] + piece for number, piece in enumerate(pieces[1:]))
    return (draw(st.sampled_from(["", "\ufeff"])) + text).encode()


class _Document:
    """Writes one document; entries end with a line end, and are drawn as they are written."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._images: list[str] = []
        self._anchors = 0

    def write(self) -> str:
        return self._write_mapping(0, depth=0)

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

    def _write_reference(self) -> str:
        digest = f"@sha256:{64 * 'b'}"
        tail = self._pick(["tag", "tag", "tag", "tag and digest", "digest"])
        tag = "" if tail == "digest" else f":{self._draw(tags)}"
        return self._quote(self._pick(_NAMES) + tag + ("" if tail == "tag" else digest))

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
