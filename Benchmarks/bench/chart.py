"""A row's series as SVG: time on the left, peak memory on the right, both over the size of the work."""

from html import escape
from math import floor, log10

from .results import count, seconds, size

WIDTH, HEIGHT, TOP, BOTTOM, SIDE = 760, 300, 56, 44, 64
PANEL = (WIDTH - 3 * SIDE + 24) / 2
COLOURS = ["#1f6feb", "#b35900", "#2da44e", "#8250df"]


def draw(row):
    figures = row["figures"]
    series = figures["series"]
    xs = sorted({point[0] for line in series.values() for point in line})
    scale_x = Scale(xs, is_log=xs[0] > 0 and xs[-1] / xs[0] >= 50)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
    ]
    for place, (name, colour) in enumerate(zip(series, COLOURS)):
        left = SIDE + place * 180
        parts.append(f'<rect x="{left}" y="12" width="10" height="10" fill="{colour}"/>')
        parts.append(text(left + 15, 21, name, "start"))
    for left, title, column, words in ((SIDE, "time", 1, seconds), (2 * SIDE + PANEL - 24, "peak memory", 3, size)):
        values = [point[column] for line in series.values() for point in line]
        # Time grows with the work and so has the same kind of scale; memory is to be seen from nothing on.
        scale_y = Scale(values, is_log=scale_x.is_log and column == 1, from_zero=True)
        parts += panel(left, f"{title}, by {figures['axis']}", series, column, scale_x, scale_y, xs, words)
    return "\n".join([*parts, "</svg>"]) + "\n"


class Scale:
    """Values onto 0 to 1."""

    def __init__(self, values, is_log=False, from_zero=False):
        self.is_log = is_log
        low, high = min(values), max(values)
        if is_log:
            self.low, self.high = log10(low), log10(high)
        else:
            self.low, self.high = (0 if from_zero else low), (high * 1.1 if from_zero else high)
        if self.high <= self.low:
            self.high = self.low + 1

    def __call__(self, value):
        return ((log10(value) if self.is_log else value) - self.low) / (self.high - self.low)

    def ticks(self):
        if self.is_log:
            powers = [10**power for power in range(floor(self.low), floor(self.high) + 2)]
            return [value for value in powers if -0.001 <= self(value) <= 1.001]
        step = 10 ** floor(log10((self.high - self.low) / 2))
        step *= next(factor for factor in (1, 2, 5, 10) if (self.high - self.low) / (step * factor) <= 5)
        return [number * step for number in range(int(self.high / step) + 1) if number * step >= self.low]


def panel(left, title, series, column, scale_x, scale_y, xs, words):
    def at(x, y):
        return left + scale_x(x) * PANEL, HEIGHT - BOTTOM - scale_y(y) * (HEIGHT - TOP - BOTTOM)

    floor_y = HEIGHT - BOTTOM
    parts = [text(left, TOP - 12, title, "start", "bold")]
    for tick in scale_y.ticks():
        y = floor_y - scale_y(tick) * (HEIGHT - TOP - BOTTOM)
        parts.append(f'<line x1="{left}" x2="{left + PANEL:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d8dee4"/>')
        parts.append(text(left - 6, y + 4, words(tick) if tick else "0", "end"))
    for x in xs:
        parts.append(text(left + scale_x(x) * PANEL, floor_y + 18, count(x), "middle"))
    parts.append(f'<line x1="{left}" x2="{left + PANEL:.1f}" y1="{floor_y}" y2="{floor_y}" stroke="#57606a"/>')
    for line, colour in zip(series.values(), COLOURS):
        points = [at(point[0], point[column]) for point in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
    return parts


def text(x, y, words, anchor, weight="normal"):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" fill="#24292f">'
        f"{escape(words)}</text>"
    )
