// Numbers as people read them: digits grouped, three that matter, always with a unit.

export const grouped = (n) =>
  Math.round(n)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');

export function digits(x, keep = 3) {
  if (!Number.isFinite(x)) return '–';
  if (x === 0) return '0';
  if (Math.abs(x) >= 10 ** keep - 0.5) return grouped(x);
  if (Math.abs(x) < 0.001) return '< 0.001';
  return String(Number(x.toPrecision(keep)));
}

export const percent = (share) => `${(share * 100).toFixed(1)} %`;
export const seconds = (s) => (s > 0 && s < 0.9995 ? `${digits(s * 1000)} ms` : `${digits(s)} s`);

const scaled = (units) => (n) => {
  let at = 0;
  let value = n;
  while (value >= 999.5 && at + 1 < units.length) {
    value /= 1000;
    at += 1;
  }
  return `${digits(value)} ${units[at]}`.trim();
};
export const bytes = scaled(['B', 'kB', 'MB', 'GB', 'TB', 'PB']);
export const amount = scaled(['', 'thousand', 'million', 'billion']);
export const short = scaled(['', 'k', 'M', 'G']);

const two = (n) => String(n).padStart(2, '0');
// A time of the run: 25:00, or 1:25:00 once hours are needed.
export function clock(ms) {
  const s = Math.round(ms / 1000);
  const h = Math.floor(s / 3600);
  const rest = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return h > 0 ? `${h}:${rest}` : rest;
}

// A length of time: 45 s, 5 min, 1 h 30 min.
export function span(ms) {
  const s = Math.round(ms / 1000);
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (s < 100) return `${s} s`;
  const h = Math.floor(s / 3600);
  const m = Math.floor(s / 60) % 60;
  return [h && `${h} h`, m && `${m} min`, h === 0 && s % 60 && `${s % 60} s`]
    .filter(Boolean)
    .join(' ');
}

export const plural = (n, one, many = `${one}s`) => `${grouped(n)} ${n === 1 ? one : many}`;

// Elements from words only: nothing of the data is ever read as markup.
const svg_names = new Set(['svg', 'path', 'rect', 'line', 'text', 'g', 'circle']);
export function el(name, given = {}, ...inside) {
  const made = svg_names.has(name)
    ? document.createElementNS('http://www.w3.org/2000/svg', name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? '' : String(value));
  }
  made.append(...inside.flat(Infinity).filter((x) => x !== null && x !== undefined && x !== false));
  return made;
}

// A number of the summary, with its path and raw value beside it for whoever checks the page.
export function field(path, value, text, scale = 1) {
  return el(
    'span',
    {
      class: 'num',
      'data-field': path,
      'data-value': value,
      'data-scale': scale === 1 ? null : scale,
    },
    text,
  );
}

export function table(caption, heads, rows) {
  return el(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    el(
      'table',
      {},
      el('caption', {}, caption),
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          heads.map((h) => el('th', { scope: 'col' }, h)),
        ),
      ),
      el(
        'tbody',
        {},
        rows.map((r) =>
          el(
            'tr',
            {},
            r.map((c, i) => (i === 0 ? el('th', { scope: 'row' }, c) : el('td', {}, c))),
          ),
        ),
      ),
    ),
  );
}

export const css = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
