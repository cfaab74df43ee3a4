"""What the page of a comparison adds to the look of a report: a colour for each group."""

from __future__ import annotations

_COMMON = """
.warning { background: var(--panel); border-left: 3px solid var(--a); border-radius: .25rem;
  padding: .6rem 1rem; max-width: none; white-space: pre-line; overflow-wrap: anywhere; }
.group tbody th { min-width: 0; }
.group th, .group td { padding-right: 1rem; }
.newest { display: grid; gap: 1.25rem 2rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 25rem), 1fr)); }
.newest img { max-height: 7rem; width: auto; margin-bottom: .35rem; }
.group tr > th:first-child { position: sticky; left: 0; background: var(--paper); }
.group tbody th span, .group td > b, .group td > span { display: block; white-space: nowrap; }
.group thead th { min-width: 6.5rem; max-width: 12rem; }
.group .companion th, .group .companion td { color: var(--soft); font-weight: 400; }
.group td.state { min-width: 14rem; }
svg .label { fill: var(--ink); font-size: 11px; paint-order: stroke; stroke: var(--paper);
  stroke-width: 3px; stroke-linejoin: round; }
svg .reference { stroke: var(--other); stroke-dasharray: 4 3; stroke-width: 1.25; }
svg .reference.dotted { stroke-dasharray: 0 4; stroke-width: 2.5; stroke-linecap: round; }
.strip circle { fill: var(--c); stroke: var(--paper); stroke-width: .75; }
.strip .bar { stroke: var(--c); stroke-width: 1.25; opacity: .55; }
.strip .spread { fill: var(--c); opacity: .18; }
.strip .mean { stroke: var(--c); stroke-width: 2; }
.line[class*=" s"] { stroke: var(--c); } .band[class*=" s"] { fill: var(--c); opacity: .13; }
.swatch[class*=" s"] { border-color: var(--c); }
@media (max-width: 44rem) {
  .group tr > th:first-child { position: static; }
  .group tbody th span { white-space: normal; }
}
"""


def comparison_style(num_groups: int) -> str:
    """Rules for the classes s0, s1, …: from blue over red to yellow, in the order of groups."""
    rules = [_COMMON]
    for dark in (False, True):
        lines = []
        for index in range(num_groups):
            share = index / max(1, num_groups - 1)
            hue = (255 + 190 * share) % 360
            lightness, chroma = (72 + 10 * share, 0.13) if dark else (48 + 20 * share, 0.16)
            lines.append(f".s{index} {{ --c: oklch({lightness:.1f}% {chroma} {hue:.0f}); }}")
        text = "\n".join(lines)
        rules.append(f"@media (prefers-color-scheme: dark) {{\n{text}\n}}" if dark else text)
    return "\n".join(rules) + "\n"
