"""Questions as hypothesis makes them, and a few by hand, one of each kind."""

from typing import Any

from hypothesis import strategies as st
from pydantic import TypeAdapter

from gameserver.fairness import Draws
from gameserver.games.questions import AnyQuestion, Question, plain

_QUESTION: TypeAdapter[AnyQuestion] = TypeAdapter(Question)

SAMPLES: tuple[dict[str, Any], ...] = (
    {"kind": "single", "text": "中国的首都是哪里？", "options": ["上海", "北京", "广州"], "right": 1},
    {"kind": "multiple", "text": "哪些是质数？", "options": ["2", "3", "4", "5"], "right": [0, 1, 3]},
    {"kind": "true_false", "text": "鲸是鱼。", "right": False, "explanation": "鲸是哺乳动物。"},
    {"kind": "order", "text": "从小到大排列", "options": ["分", "角", "元", "万元"]},
    {"kind": "number", "text": "圆周率是多少？", "right": {"min": "3.14", "max": "3.142"}},
    {"kind": "text", "text": "《静夜思》的作者是谁？", "right": ["李白", "Li Bai"]},
)


def question(**fields: Any) -> AnyQuestion:
    """A question of these fields; raises pydantic's ValidationError."""
    return _QUESTION.validate_python({"text": "?", **fields})


def samples() -> list[AnyQuestion]:
    return [question(**sample) for sample in SAMPLES]


def draws(key: int = 0) -> Draws:
    return Draws(key.to_bytes(32, "big"))


# what a sheet, a CSV and PostgreSQL can hold, and what is hard on them
_HARD = st.sampled_from(
    [*"=+-@'\"\\|｜,，;；、>~.\t\n _<&'é中ﬁΣ①", "_x0041_", "\\|", "'=", "..", "A,B", "TRUE", "\u2028"]
)
_TEXT = st.lists(
    st.one_of(_HARD, st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"])), max_size=12
)


def words(limit: int) -> st.SearchStrategy[str]:
    return _TEXT.map(lambda parts: "".join(parts).strip()[:limit].strip()).filter(plain)


_TAGS = st.lists(words(32).filter(lambda tag: not set(",，、;；\r\n") & set(tag)), max_size=3, unique=True)


def decimals() -> st.SearchStrategy[str]:
    return st.decimals(-1000, 1000, places=3).map(lambda number: f"{number:f}")


def _options(least: int) -> st.SearchStrategy[list[str]]:
    return st.lists(words(200), min_size=least, max_size=10, unique_by=plain)


@st.composite
def questions(
    draw: st.DrawFn, kinds: tuple[str, ...] = ("single", "multiple", "true_false", "order", "number", "text")
) -> AnyQuestion:
    """Any valid question of these kinds."""
    kind = draw(st.sampled_from(kinds))
    fields: dict[str, Any] = {
        "kind": kind,
        "text": draw(words(500)),
        "explanation": "".join(draw(_TEXT)).strip(),
        "difficulty": draw(st.integers(1, 5)),
        "tags": draw(_TAGS),
        "image": draw(st.sampled_from([None, "https://example.com/a.png", "/media/x"])),
    }
    if kind in ("single", "multiple", "order"):
        fields["options"] = draw(_options(3 if kind == "order" else 2))
        places = st.integers(0, len(fields["options"]) - 1)
    match kind:
        case "single":
            fields["right"] = draw(places)
        case "multiple":
            fields["right"] = draw(st.lists(places, min_size=1, unique=True))
        case "true_false":
            fields["right"] = draw(st.booleans())
        case "number":
            low, high = sorted([draw(decimals()), draw(decimals())], key=float)
            fields["right"] = {"min": low, "max": high}
        case "text":
            fields["right"] = draw(st.lists(words(100), min_size=1, max_size=20))
    return question(**fields)
