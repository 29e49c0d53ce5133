// Puts the page together from the data of one run, and tells whoever checks it what it shows.
import { crosses, cut_at, duration, hydras, places, run, step, summary } from './data.js';
import {
  amount,
  bytes,
  clock,
  digits,
  el,
  field,
  grouped,
  percent,
  seconds,
  span,
  table,
} from './words.js';
import * as charts from './charts.js';
import { fault_lines, world } from './world.js';
import { trees } from './tree.js';

const root = document.documentElement;
const content = document.getElementById('content');

// ---- numbers of the summary, each with its path -----------------------------------------------

const at = (path, from = summary) => path.split('.').reduce((o, k) => (o ? o[k] : undefined), from);
const has = (path) => typeof at(path) === 'number';
const unit = (name) => el('span', { class: 'unit' }, `\u00a0${name}`);
const shows = {
  count: (p, v) => field(p, v, grouped(v)),
  number: (p, v) => field(p, v, digits(v)),
  s: (p, v) => [
    field(
      p,
      v,
      v > 0 && v < 0.9995 ? digits(v * 1000) : digits(v),
      v > 0 && v < 0.9995 ? 0.001 : 1,
    ),
    unit(v > 0 && v < 0.9995 ? 'ms' : 's'),
  ],
  share: (p, v) => [field(p, v, (v * 100).toFixed(1), 0.01), unit('%')],
  times: (p, v) => [field(p, v, v.toFixed(2)), unit('×')],
  bytes: (p, v) => {
    const [n, name] = bytes(v).split(' ');
    return [
      field(p, v, n, { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, PB: 1e15 }[name]),
      unit(name),
    ];
  },
  million: (p, v) => {
    const [n, name = ''] = amount(v).split(' ');
    return [
      field(p, v, n, { '': 1, thousand: 1e3, million: 1e6, billion: 1e9 }[name]),
      name ? unit(name) : '',
    ];
  },
};
const show = (how, path) => (has(path) ? shows[how](path, at(path)) : null);

// ---- head -------------------------------------------------------------------------------------

function head() {
  const parts = [
    ['hydras', 'count', ' Hydras'],
    ['simulated_s', null, ' simulated'],
    ['seed', 'count', ''],
  ];
  const said = parts
    .filter(([p]) => has(p))
    .map(([p, how, unit]) =>
      el(
        'span',
        {},
        p === 'seed' ? 'seed ' : '',
        how ? show(how, p) : field(p, at(p), span(at(p) * 1000), 'span'),
        unit,
      ),
    );
  return el(
    'header',
    { class: 'head' },
    el('p', { class: 'kicker' }, el('span', {}, 'Hydra'), ' report of a simulated run'),
    el('h1', {}, run.title || summary.scenario || 'A run'),
    run.purpose && el('p', { class: 'standfirst' }, run.purpose),
    el(
      'p',
      { class: 'meta' },
      said,
      summary.digest &&
        el(
          'span',
          {},
          'digest ',
          el('code', { 'data-field': 'digest', 'data-value': summary.digest }, summary.digest),
        ),
    ),
    summary.interrupted &&
      el(
        'p',
        { class: 'warning' },
        'This run was stopped early; ',
        'the numbers are those up to then.',
      ),
    (summary.failures || []).length > 0 &&
      el(
        'div',
        { class: 'warning' },
        el('p', {}, 'What did not hold:'),
        el(
          'ul',
          {},
          summary.failures.map((f) => el('li', {}, f)),
        ),
      ),
  );
}

function headline() {
  const j = summary.jobs || {};
  const done = j.submitted > 0 ? j.completed / j.submitted : 0;
  const moved = has('extra.bytes_moved')
    ? show('bytes', 'extra.bytes_moved')
    : has('bytes_moved')
      ? show('bytes', 'bytes_moved')
      : null;
  const card = (name, big, ...small) =>
    el(
      'div',
      { class: 'card' },
      el('dt', {}, name),
      el('dd', {}, el('span', { class: 'big' }, big), el('span', { class: 'small' }, small)),
    );
  const spread = (path, how) =>
    [
      ['mean', 'mean'],
      ['p90', 'p90'],
      ['p99', 'p99'],
    ]
      .filter(([k]) => has(`${path}.${k}`))
      .map(([k, word]) => el('span', { class: 'bit' }, `${word} `, show(how, `${path}.${k}`)));
  return el(
    'section',
    { id: 'numbers', class: 'headline', 'aria-label': 'Headline numbers' },
    el(
      'dl',
      { class: 'cards' },
      card(
        'Jobs completed',
        [(done * 100).toFixed(1), unit('%')],
        el(
          'span',
          { class: 'bit' },
          show('count', 'jobs.completed'),
          ' of ',
          show('count', 'jobs.submitted'),
        ),
        el('span', { class: 'bit' }, show('count', 'jobs.failed'), ' failed'),
        el('span', { class: 'bit' }, show('count', 'jobs.running'), ' still running'),
      ),
      has('response_s.p50') &&
        card('Response time, median', show('s', 'response_s.p50'), spread('response_s', 's')),
      has('remote_share') &&
        card(
          'Done by somebody else',
          show('share', 'remote_share'),
          has('hops.mean') &&
            el('span', { class: 'bit' }, show('number', 'hops.mean'), ' hops mean'),
          has('hops.p99') && el('span', { class: 'bit' }, show('number', 'hops.p99'), ' hops p99'),
        ),
      has('utilisation.mean') &&
        card(
          'Utilisation of servers, mean',
          show('share', 'utilisation.mean'),
          spread('utilisation', 'share').slice(1),
        ),
      has('wrong_accepted') &&
        card(
          'Wrong results accepted',
          show('count', 'wrong_accepted'),
          has('extra_work') &&
            el('span', { class: 'bit' }, show('times', 'extra_work'), ' the work'),
          has('honest_hurt') &&
            el('span', { class: 'bit' }, show('count', 'honest_hurt'), ' honest hurt'),
        ),
      has('jobs.replaced') &&
        card(
          'Placed again',
          show('count', 'jobs.replaced'),
          el('span', { class: 'bit' }, 'after a crash, silence or refusal'),
        ),
      has('messages') &&
        card(
          'Messages',
          show('million', 'messages'),
          moved && el('span', { class: 'bit' }, moved, ' moved'),
          null,
        ),
      !has('wall_s') &&
        has('events') &&
        card('Events', show('million', 'events'), el('span', { class: 'bit' }, 'simulated')),
      has('wall_s') &&
        at('wall_s') > 0 &&
        card(
          'Simulated in',
          show('s', 'wall_s'),
          el(
            'span',
            { class: 'bit' },
            el('span', { class: 'num' }, digits(at('simulated_s') / at('wall_s'))),
            ' × real time',
          ),
          has('events') && el('span', { class: 'bit' }, show('million', 'events'), ' events'),
        ),
    ),
  );
}

// ---- comparison -------------------------------------------------------------------------------

// A row may be the run itself, or what has a key of its own that says more: each is shown once.
function rows() {
  const named = {
    alone: 'Every Hydra alone',
    unverified: 'Nothing verified',
    omniscient: 'A scheduler that knows everything',
  };
  const again = (name) => name === 'ours' || (name in named && summary[name]);
  const others = (summary.rows || [])
    .map((r, i) => [`rows.${i}.`, r.name])
    .filter(([, name]) => !again(name));
  for (const [key, name] of Object.entries(named)) if (summary[key]) others.push([`${key}.`, name]);
  return others.length ? [['', 'Hydra'], ...others] : [];
}

function comparison() {
  const all = rows();
  if (all.length === 0) return null;
  const measures = [
    ['Completed', null, 'share'],
    ['Failed', 'jobs.failed', 'count'],
    ['Still running', 'jobs.running', 'count'],
    ['Placed again', 'jobs.replaced', 'count'],
    ['Response, mean', 'response_s.mean', 's'],
    ['Response, median', 'response_s.p50', 's'],
    ['Response, p90', 'response_s.p90', 's'],
    ['Response, p99', 'response_s.p99', 's'],
    ['Hops, mean', 'hops.mean', 'number'],
    ['Done by somebody else', 'remote_share', 'share'],
    ['Utilisation, mean', 'utilisation.mean', 'share'],
    ['Utilisation, p99', 'utilisation.p99', 'share'],
    ['Wrong accepted', 'wrong_accepted', 'count'],
    ['Work', 'extra_work', 'times'],
    ['Honest hurt', 'honest_hurt', 'count'],
  ].filter(([, p]) => !p || all.slice(1).some(([before]) => has(before + p)));
  const value = (before, p) =>
    p
      ? at(before + p)
      : at(`${before}jobs.submitted`)
        ? at(`${before}jobs.completed`) / at(`${before}jobs.submitted`)
        : undefined;
  const cell = ([before], [, p, how]) => {
    const v = value(before, p);
    if (typeof v !== 'number') return el('td', { class: 'none' }, '–');
    const most = how === 'share' ? 1 : Math.max(...all.map(([b]) => value(b, p) || 0));
    return el(
      'td',
      {},
      el(
        'span',
        { class: 'meter', 'aria-hidden': 'true' },
        el('i', { style: `width:${most > 0 ? (100 * v) / most : 0}%` }),
      ),
      el('span', { class: 'value' }, p ? shows[how](before + p, v) : percent(v)),
    );
  };
  const note = {
    'Every Hydra alone': 'the same jobs when nobody knows anybody',
    'Nothing verified': 'the same jobs and liars',
    'A scheduler that knows everything': 'the same jobs, placed by one hand',
  };
  return el(
    'section',
    { id: 'comparison' },
    el('h2', {}, 'Compared'),
    el(
      'p',
      { class: 'intro' },
      'The same arrivals in the same world, placed in another way. ',
      'Response times are those of the completed jobs only.',
    ),
    el(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Comparison' },
      el(
        'table',
        { class: `compare ${all.length <= 3 ? 'fits' : ''}` },
        el(
          'thead',
          {},
          el(
            'tr',
            {},
            el('td', {}),
            all.map(([, name], i) =>
              el(
                'th',
                { scope: 'col', class: i === 0 ? 'ours' : '' },
                name,
                note[name] && el('small', {}, note[name]),
              ),
            ),
          ),
        ),
        el(
          'tbody',
          {},
          measures.map((m) =>
            el(
              'tr',
              {},
              el('th', { scope: 'row' }, m[0]),
              all.map((r) => cell(r, m)),
            ),
          ),
        ),
      ),
    ),
  );
}

// ---- what was run -----------------------------------------------------------------------------

function copy_line(text) {
  const button = el(
    'button',
    {
      type: 'button',
      class: 'plain',
      onclick: async () => {
        try {
          await navigator.clipboard.writeText(text);
        } catch {
          const range = document.createRange();
          range.selectNodeContents(button.previousSibling);
          getSelection().removeAllRanges();
          getSelection().addRange(range);
          document.execCommand('copy');
        }
        button.textContent = 'Copied';
        setTimeout(() => {
          button.textContent = 'Copy';
        }, 1500);
      },
    },
    'Copy',
  );
  return el(
    'div',
    { class: 'copy' },
    el('code', { 'data-field': 'reproduce', 'data-value': text }, text),
    button,
  );
}

function extra_value(name, v) {
  const path = `extra.${name}`;
  if (/(^|_)bytes(_|$)/.test(name)) return shows.bytes(path, v);
  if (/_s$/.test(name)) return [field(path, v, digits(v)), ' s'];
  return Number.isInteger(v) ? shows.count(path, v) : shows.number(path, v);
}
// Files next to the page: a plain relative name, nothing that leads elsewhere.
const beside = (name) => /^[\w.-]+(\/[\w.-]+)*$/.test(name) && !name.includes('..');

// Long names may break after a point or an underscore.
const breakable = (name) => name.split(/(?<=[._])/).flatMap((part) => [el('wbr'), part]);

function details() {
  const of_run = [
    ['events', 'count', ''],
    ['messages', 'count', ''],
    ['wall_s', 's', ''],
    ['cpu_s', 's', ''],
    ['bytes_per_hydra', 'bytes', ''],
  ].filter(([p]) => has(p));
  const names = {
    events: 'events',
    messages: 'messages',
    wall_s: 'took, wall clock',
    cpu_s: 'took, processor',
    bytes_per_hydra: 'memory per Hydra',
  };
  const pairs = (all) =>
    el(
      'dl',
      { class: 'pairs' },
      all.map(([k, v, note]) =>
        el('div', {}, el('dt', {}, breakable(k)), el('dd', {}, v, note && el('small', {}, note))),
      ),
    );
  const part = (title, inside, how = '') =>
    el('div', { class: `part ${how}` }, el('h3', {}, title), inside);
  const extra = Object.entries(summary.extra || {}).filter(([, v]) => typeof v === 'number');
  return el(
    'section',
    { id: 'settings' },
    el('h2', {}, 'What was run'),
    summary.reproduce &&
      el(
        'div',
        { class: 'again' },
        el('p', { class: 'intro' }, 'The same run again, on any machine, with the same digest:'),
        copy_line(summary.reproduce),
      ),
    el(
      'div',
      { class: 'parts' },
      (run.settings || []).length > 0 && part('Settings', pairs(run.settings), 'all-across'),
      part(
        'This run',
        pairs(
          of_run
            .map(([p, how]) => [names[p], show(how, p)])
            .concat((run.versions || []).map(([k, v]) => [k, v])),
        ),
      ),
      extra.length > 0 &&
        part(
          'Also counted',
          pairs(
            extra.map(([k, v]) => [k.replace(/_s$/, '').replace(/_/g, ' '), extra_value(k, v)]),
          ),
        ),
      (run.files || []).length > 0 &&
        part(
          'Files beside this page',
          el(
            'ul',
            { class: 'files' },
            run.files.map((f) =>
              el(
                'li',
                {},
                beside(f.name) ? el('a', { href: f.name }, f.name) : f.name,
                f.bytes > 0 && el('span', { class: 'soft' }, ` ${bytes(f.bytes)}`),
                f.what && el('small', {}, f.what),
              ),
            ),
          ),
        ),
    ),
  );
}

// ---- the page ---------------------------------------------------------------------------------

function theme_button() {
  const button = el('button', {
    type: 'button',
    class: 'theme',
    onclick: () => set_theme(root.dataset.theme === 'dark' ? 'light' : 'dark', true),
  });
  const say = () => {
    const dark = root.dataset.theme === 'dark';
    button.setAttribute('aria-label', dark ? 'Change to light colours' : 'Change to dark colours');
    button.textContent = dark ? 'Light' : 'Dark';
  };
  say();
  return { button, say };
}
const theme = theme_button();
function set_theme(to, keep) {
  root.dataset.theme = to;
  if (keep)
    try {
      localStorage.setItem('hydra-theme', to);
    } catch {
      /* not everywhere */
    }
  theme.say();
  charts.draw();
  if (earth.map.made) earth.map.made.draw();
}

const section = (id, title, intro, figures) => {
  const kept = figures.filter(Boolean);
  return kept.length === 0
    ? null
    : el(
        'section',
        { id },
        el('h2', {}, title),
        intro && el('p', { class: 'intro' }, intro),
        el('div', { class: 'grid' }, kept),
      );
};

const earth = world();
const sections = [
  headline(),
  hydras.count > 0 && earth.section,
  section('work', 'The work over time', null, [
    charts.in_flight(),
    charts.finished(),
    charts.traffic('messages', 'messages', 'Messages', '', 1),
    charts.traffic('kb', 'bytes', 'Bytes', 'B', 1000),
  ]),
  section('waiting', 'How long, how far, how busy', null, [
    charts.response_histogram(),
    charts.response_shares(),
    charts.utilisation(),
    charts.hop_counts(),
  ]),
  comparison(),
  trees(),
  section('faults', 'What went wrong, and what was done about it', null, [
    fault_lines(),
    charts.churn(),
  ]),
  section('trust', 'Trust', null, [charts.trust()]),
  details(),
].filter(Boolean);

const names = {
  world: 'World',
  work: 'Work',
  waiting: 'Response',
  comparison: 'Compared',
  jobs: 'Jobs',
  faults: 'Faults',
  trust: 'Trust',
  settings: 'Settings',
};
document.title = `${run.title || summary.scenario || 'A run'} – Hydra report`;
content.replaceChildren(
  el(
    'div',
    { class: 'bar-top' },
    el(
      'nav',
      { 'aria-label': 'Parts of this page' },
      sections.filter((s) => names[s.id]).map((s) => el('a', { href: `#${s.id}` }, names[s.id])),
    ),
    theme.button,
  ),
  head(),
  ...sections,
  el(
    'footer',
    {},
    el(
      'p',
      {},
      'Made by hydra. Places: GeoNames (CC BY 4.0). ',
      'Outlines: Natural Earth. Projection: Equal Earth, true in area.',
    ),
  ),
);
content.after(document.getElementById('licences'));

const settle = async () => {
  try {
    await Promise.all(
      ['400 14px Inter', '600 14px Inter', '600 40px "Source Serif 4"'].map((f) =>
        document.fonts.load(f),
      ),
    );
  } catch {
    /* the page stands without its letters too */
  }
  if (hydras.count > 0) earth.start_map();
  charts.draw();
};

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', (e) => {
  let kept = '';
  try {
    kept = localStorage.getItem('hydra-theme') || '';
  } catch {
    /* not everywhere */
  }
  if (!kept) set_theme(e.matches ? 'dark' : 'light', false);
});
let screen_theme = '';
addEventListener('beforeprint', () => {
  screen_theme = root.dataset.theme;
  set_theme('light', false);
});
addEventListener('afterprint', () => set_theme(screen_theme || 'light', false));

// What the page shows, for whoever checks it (tests/report/check.js) or takes pictures of it.
const flow_words = (x) => ({
  from: places[x.from].name,
  to: places[x.to].name,
  jobs: x.jobs,
  from_region: places[x.from].region,
  to_region: places[x.to].region,
  bytes: x.bytes,
  crosses: x.crosses,
  marked: x.crosses && !!cut_at(earth.map.bucket),
});
window.hydraReport = {
  ready: settle(),
  project: (lon, lat) => earth.map.made.pixel(lon, lat),
  pixelOf: (i) => earth.map.made.pixel_of(i),
  mapCanvas: () => earth.map.made.canvas.querySelector('canvas'),
  setTime(ms) {
    earth.stop();
    earth.go(Math.floor(Math.min(ms, duration - 1) / step));
  },
  time: () => earth.map.bucket * step,
  bucket: () => step,
  flowsShown: () => earth.map.made.shown().map(flow_words),
  cutShown: () => earth.map.made.cut_shape(),
  crosses,
  setTheme: (to) => set_theme(to, false),
  theme: () => root.dataset.theme,
  charts: () => charts.made.map((m) => m.id),
  clock,
  seconds,
  table,
};
