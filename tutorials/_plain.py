r"""Prose of a chapter as plain text for a terminal: "$\rho_{st} < 0$" is "ρ_st < 0".

A terminal that cannot show a ρ is given its name, "rho", instead.
"""

import codecs
import re
import sys
import unicodedata

GREEK = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": "ε",
    "varepsilon": "ε",
    "eta": "η",
    "theta": "θ",
    "kappa": "κ",
    "lambda": "λ",
    "mu": "μ",
    "nu": "ν",
    "xi": "ξ",
    "pi": "π",
    "rho": "ρ",
    "sigma": "σ",
    "tau": "τ",
    "phi": "φ",
    "varphi": "φ",
    "chi": "χ",
    "psi": "ψ",
    "omega": "ω",
    "Delta": "Δ",
    "Theta": "Θ",
    "Lambda": "Λ",
    "Sigma": "Σ",
    "Phi": "Φ",
    "Omega": "Ω",
}
SIGNS = {
    "approx": "≈",
    "cdot": "·",
    "circ": "°",
    "dots": "…",
    "ell": "ℓ",
    "equiv": "≡",
    "ge": "≥",
    "geq": "≥",
    "iff": "⟺",
    "in": "∈",
    "infty": "∞",
    "ldots": "…",
    "le": "≤",
    "leq": "≤",
    "lVert": "‖",
    "rVert": "‖",
    "lvert": "|",
    "rvert": "|",
    "mapsto": "↦",
    "nabla": "∇",
    "ne": "≠",
    "neq": "≠",
    "odot": "⊙",
    "partial": "∂",
    "pm": "±",
    "prod": "∏",
    "propto": "∝",
    "sim": "∼",
    "sum": "Σ",
    "times": "×",
    "to": "→",
    "top": "ᵀ",
}
# In this order: what stands inside braces is replaced before what is around them.
FORMS = [
    (r"\\(?:text|mathrm|mathbf|operatorname)\{([^{}]*)\}", r"\1"),
    (r"\\tag\{([^{}]*)\}", r"  (\1)"),
    (r"\\bar\s*\{?(\w)\}?", "\\1\u0304"),  # a letter with a bar
    (r"\\hat\s*\{?(\w)\}?", "\\1\u0302"),  # a letter with a hat
    (r"\\begin\{pmatrix\}\s*", "("),
    (r"\s*\\end\{pmatrix\}", ")"),
    (r"\s*\\\\", ";"),
    (r"\s*&\s*", ", "),
    (r"\\(?:left|right|[Bb]igg?[lr]?)(?![A-Za-z])", ""),
    (r"\\[,;:! ]|\\q?quad", " "),
    (r"\\([{}%$_&#])", r"\1"),
    (r"\^\{?2\}?(?!\d)", "²"),
    (r"\^\{?ᵀ\}?", "ᵀ"),
    (r"\^\{?-1\}?", "⁻¹"),
    (r"([_^])\{([^{}]*)\}", r"\1\2"),
    (r"\\sqrt\{([^{}]*)\}", r"√(\1)"),
    (r"\\[td]?frac\s*(\w)\s*(\w)", r"\1/\2"),
    (r"\\[td]?frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1)/(\2)"),
    (r"\((\w+)\)/", r"\1/"),
    (r"/\((\w+|√\([^()]*\))\)", r"/\1"),
    (r"([Δ∂∇]) +", r"\1"),
    (r"\\([A-Za-z]+)", r"\1"),  # min, log, cos and others are words already
]

# What stands for a sign that a terminal cannot show. Greek letters have their names.
SUBSTITUTES = {letter: name for name, letter in GREEK.items() if "var" not in name}
SUBSTITUTES |= {
    "−": "-",
    "–": "-",
    "—": "-",
    "×": "x",
    "÷": "/",
    "⁄": "/",  # inside of ½
    "·": ".",
    "±": "+-",
    "≈": "~",
    "≡": "=",
    "∝": "prop. to",
    "°": " deg",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "∞": "inf",
    "√": "sqrt",
    "∂": "d",
    "∇": "nabla ",
    "∈": "in",
    "→": "->",
    "←": "<-",
    "‖": "||",
    "²": "^2",
    "³": "^3",
    "⁻": "^-",
    "¹": "1",
    "ᵀ": "^T",
    "\u0304": "bar",
    "\u0302": "hat",
}


def show_all_that_can_be_shown():
    """From now on no sign is a reason for a command to fail when it prints.

    A sign that the terminal cannot show becomes one that it can, or a question mark.
    """
    codecs.register_error("tutorials.plain", substitute)
    for stream in (sys.stdout, sys.stderr):
        # The streams of a notebook cannot be set up so, and do not have to be.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="tutorials.plain")


def substitute(error):
    """Handle an error of encoding: what stands for the signs, and where to go on."""
    signs = error.object[error.start : error.end]
    return "".join(substitute_of(sign) for sign in signs), error.end


def substitute_of(sign):
    if sign in SUBSTITUTES:
        return SUBSTITUTES[sign]
    # "₁" is made of "1", "½" of "1", "⁄" and "2", "é" of "e" and an accent.
    parts = unicodedata.normalize("NFKD", sign)
    letters = "".join(SUBSTITUTES.get(part, part) for part in parts)
    return letters.encode("ascii", "ignore").decode("ascii") or "?"


def plain(text):
    """Markdown with mathematics as text without markup."""
    text = re.sub(r"</?(?:details|summary|span|sub|sup|b|i|em)\b[^>]*>", "", text)
    text = re.sub(r"\[([^\]]*)\]\([^)\s]*\)", r"\1", text)  # links
    pieces = re.split(r"(`[^`\n]*`|^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    # Every second piece is code, and stays as it is.
    pieces[::2] = [without_markup(piece) for piece in pieces[::2]]
    return "".join(pieces).strip()


def without_markup(text):
    text = re.sub(
        r"^\$\$\n(.*?)\n\$\$$",
        lambda found: f"    {plain_formula(found[1])}",
        text,
        flags=re.MULTILINE | re.DOTALL,
    )
    text = re.sub(
        r"\$(?!\s)([^$]+?)(?<!\s)\$", lambda found: plain_formula(found[1]), text
    )
    text = re.sub(r"\*\*(.+?)\*\*", r"\1", text, flags=re.DOTALL)
    return re.sub(r"(?<![\w*])\*(\w[^*\n]*)\*(?!\w)", r"\1", text)


def plain_formula(formula):
    def symbol(found):
        return (GREEK | SIGNS).get(found[1], found[0])

    formula = re.sub(r"\\([A-Za-z]+)", symbol, formula)
    for pattern, replacement in FORMS:
        formula = re.sub(pattern, replacement, formula)
    return re.sub(r" {2,}(?!\()", " ", formula).strip()
