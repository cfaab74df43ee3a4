"""The look of a report, and its one small script. Both stand inline in the page."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1b1d22; --soft: #5d636f; --rule: #e3e5ea; --panel: #f6f7f9;
  --a: #b4530a; --b: #1d5fd1; --other: #6a7180; --link: #1d5fd1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171b; --ink: #e8eaee; --soft: #a0a6b2; --rule: #2e323a; --panel: #1d2026;
    --a: #f59e4c; --b: #7fb2ff; --other: #9aa1ae; --link: #8dbaff;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 70rem; padding: 0 1.25rem 4rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
h1, h2, h3 { line-height: 1.2; text-wrap: balance; overflow-wrap: anywhere; }
h1 { font-size: clamp(1.9rem, 5vw, 2.8rem); margin: 0; letter-spacing: -.02em; }
h2 { font-size: 1.4rem; margin: 0 0 1rem; letter-spacing: -.01em; }
h3 { font-size: 1rem; margin: 1.75rem 0 .75rem; }
p { margin: .4rem 0; max-width: 50rem; }
a { color: var(--link); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; }
header { padding: 2.5rem 0 0; }
.domains { color: var(--soft); margin: 0 0 .25rem; overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; margin-top: 1rem; font-size: .9rem; }
section { border-top: 1px solid var(--rule); padding-top: 1.5rem; margin-top: 2.25rem; }
header + main > section:first-child { margin-top: 1.25rem; }
footer { margin-top: 3rem; color: var(--soft); font-size: .85rem; }
.absent, .basis, .note, small, figcaption span { color: var(--soft); }
.note { font-size: .85rem; }

.cards { display: flex; flex-wrap: wrap; gap: 1rem; margin-top: 1rem; }
.card { flex: 1 1 19rem; padding: 1rem 1.25rem 1.1rem;
  background: var(--panel); border-radius: .75rem; }
.card h3 { margin: 0; font-size: .9rem; font-weight: 600; color: var(--soft); }
.card p { font-size: .9rem; line-height: 1.45; }
.card .value { margin: .35rem 0 .1rem; line-height: 1.1; font-size: 1.4rem; }
.figure { font-size: 2.9rem; font-weight: 650; letter-spacing: -.03em;
  font-variant-numeric: tabular-nums; }
.card .evidence, .card .beside { color: var(--soft); font-size: .85rem;
  font-variant-numeric: tabular-nums; }
.card .beside b { color: var(--ink); }

dl { margin: 0; font-size: .95rem; }
dl div { display: grid; grid-template-columns: minmax(9rem, 15rem) 1fr; gap: .25rem 1.5rem;
  padding: .35rem 0; border-bottom: 1px solid var(--rule); }
dl div:last-child { border-bottom: 0; }
dt { color: var(--soft); overflow-wrap: anywhere; }
dd { margin: 0; overflow-wrap: anywhere; }
details { margin: 1rem 0; }
summary { cursor: pointer; font-weight: 600; padding: .35rem 0; overflow-wrap: anywhere; }
details dl { font-size: .85rem; }
pre { background: var(--panel); border-radius: .5rem; padding: .9rem 1.1rem; margin: 0;
  font: .85rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; }

figure { margin: 0; min-width: 0; }
figcaption { margin-bottom: .5rem; font-size: .9rem; }
figcaption span { display: block; }
img { display: block; max-width: 100%; height: auto; }
.pair { display: grid; gap: 1.75rem 2rem; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); }
.strip { display: flex; gap: 1.5rem; overflow-x: auto; scroll-snap-type: x mandatory; }
.moment { flex: 0 0 100%; scroll-snap-align: start; }
.moment > figcaption { font-weight: 600; font-variant-numeric: tabular-nums; }
.sliding .moment { display: none; }
.sliding .moment.current { display: block; }
input[type=range] { width: 100%; margin: 0 0 .75rem; accent-color: var(--link); }

.charts { display: grid; gap: 1.75rem 1.5rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); }
.chart figcaption { margin-bottom: .25rem; font-size: .85rem; line-height: 1.4; }
.chart strong { display: block; overflow-wrap: anywhere; }
.chart strong::first-letter { text-transform: uppercase; }
.legend { display: flex !important; flex-wrap: wrap; gap: 0 1rem;
  font-variant-numeric: tabular-nums; }
.legend b { color: var(--ink); font-weight: 600; }
.swatch { display: inline-block; width: 1.1em; vertical-align: .25em; margin-right: .4em;
  border-top: 3px solid var(--other); }
.swatch.a { border-color: var(--a); } .swatch.b { border-color: var(--b); }
.swatch.dashed { border-top-style: dashed; border-top-width: 2px; }
.swatch.dotted { border-top-style: dotted; }
svg { display: block; width: 100%; height: auto; font-size: 11px; overflow: visible; }
svg text { fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .rule { stroke: var(--rule); }
.line { fill: none; stroke: var(--other); stroke-width: 1.75; stroke-linejoin: round; }
.line.a { stroke: var(--a); } .line.b { stroke: var(--b); }
.line.dashed { stroke-dasharray: 4 3; stroke-width: 1.25; }
.band { fill: var(--other); opacity: .16; } .band.a { fill: var(--a); } .band.b { fill: var(--b); }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem;
  font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .55rem 1.25rem .55rem 0;
  border-bottom: 1px solid var(--rule); }
thead th { font-size: .9rem; vertical-align: top; }
tbody th { font-weight: 600; min-width: 15rem; }
.without { color: var(--soft); }
td small, th small { display: block; font-size: .82rem; font-weight: 400; }
td small { white-space: nowrap; }

@media (max-width: 44rem) {
  .card .figure { font-size: 2.6rem; }
  dl div { grid-template-columns: 1fr; gap: 0; }
  .numbers thead { position: absolute; clip-path: inset(50%); width: 1px; overflow: hidden; }
  .numbers tr { display: block; padding: .8rem 0; border-bottom: 1px solid var(--rule); }
  .numbers th, .numbers td { display: block; border: 0; padding: .2rem 0; }
  .numbers td { display: grid; grid-template-columns: 1fr auto; gap: 0 1rem; text-align: right; }
  .numbers td::before { content: attr(data-label); color: var(--soft); text-align: left; }
  .numbers td small { grid-column: 1 / -1; }
  .numbers td.without { display: none; }
}
@media print { nav, input[type=range] { display: none; } section { break-inside: avoid; } }
"""

SCRIPT = """
for (const timeline of document.querySelectorAll(".timeline")) {
  const slider = timeline.querySelector("input");
  const moments = timeline.querySelectorAll(".moment");
  const show = () => moments.forEach(
    (moment, index) => moment.classList.toggle("current", index === slider.valueAsNumber));
  slider.hidden = false;
  slider.addEventListener("input", show);
  timeline.classList.add("sliding");
  show();
}
"""
