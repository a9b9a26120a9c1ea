"""Questions of every kind: what `gameserver questions template` writes."""

from gameserver.games.questions import Multiple, Number, Order, Single, Span, Text, TrueFalse
from gameserver.records.questions import Banked

EXAMPLES = (
    Banked(
        "q0001",
        Single(
            kind="single",
            text="中国的首都是哪座城市？",
            options=("上海", "北京", "广州", "西安"),
            right=1,
            explanation="1949 年起，北京是中华人民共和国的首都。",
            tags=("地理",),
        ),
    ),
    Banked(
        "q0002",
        Multiple(
            kind="multiple",
            text="下列哪些数是质数？",
            options=("2", "3", "4", "5"),
            right=(0, 1, 3),
            explanation="4 = 2 × 2，其余只能被 1 和自身整除。",
            difficulty=2,
            tags=("数学",),
        ),
    ),
    Banked(
        "q0003",
        TrueFalse(
            kind="true_false",
            text="鲸是鱼类。",
            right=False,
            explanation="鲸用肺呼吸，胎生哺乳，是哺乳动物。",
            tags=("自然",),
        ),
    ),
    Banked(
        "q0004",
        Order(
            kind="order",
            text="按离太阳从近到远排列。",
            options=("水星", "金星", "地球", "火星"),
            difficulty=3,
            tags=("自然", "天文"),
        ),
    ),
    Banked(
        "q0005",
        Number(
            kind="number",
            text="圆周率约等于多少？（保留两位或更多小数）",
            right=Span(min="3.14", max="3.142"),
            explanation="π ≈ 3.14159",
            difficulty=2,
            tags=("数学",),
        ),
    ),
    Banked(
        "q0006",
        Text(
            kind="text",
            text="《静夜思》的作者是谁？",
            right=("李白", "李太白", "Li Bai"),
            explanation="李白，字太白，唐代诗人。",
            tags=("诗词",),
        ),
    ),
)
