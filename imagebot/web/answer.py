"""The forms in which answers go out."""

import json

from flask import Response


def make_json(data: object, status: int = 200) -> Response:
    return Response(json.dumps(data, ensure_ascii=False) + "\n", status, content_type="application/json")


def make_text(text: str, status: int, headers: object = None) -> Response:
    return Response(f"{text}\n", status, headers, content_type="text/plain; charset=utf-8")  # type: ignore[arg-type]
