r"""Prose of a chapter as plain text for a terminal: "$\rho_{st} < 0$" is "ρ_st < 0"."""

import re

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
