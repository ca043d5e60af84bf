"""``status.HTTP_…`` behind a parameter named ``status`` becomes the number that it stands for."""

from __future__ import annotations

import re

from betterguard.repair.edits import Edit
from betterguard.repair.fix import ByHand, Fix, Site

_CODE = re.compile(r"^\w+\.HTTP_(\d{3})_\w+$")


def fix(site: Site) -> Fix | ByHand:
    """Write the numbers: the parameter keeps its name, which belongs to the API."""
    function = next(
        (
            ref
            for ref in site.code.project.in_file(site.file)
            if any(param.pos == site.hit.pos for param in ref.params)
        ),
        site.function,
    )
    name = site.hit.message.split(" ", 1)[0]
    if function is None:
        return ByHand("the name is not where it was found")
    edits = [
        Edit(expr.pos, expr.end, found[1])
        for expr in function.expressions
        if expr.kind == "name"
        and expr.text.startswith(f"{name}.")
        and (found := _CODE.match(expr.text))
    ]
    return site.fix(f"write status codes as numbers, since {name} is a parameter here", *edits)
