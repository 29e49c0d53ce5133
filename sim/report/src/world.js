// The section of the map: the map, its key, the line of time below it, and what it says of now.
import {
  all_jobs,
  classes,
  crosses,
  cut_at,
  cut_name,
  cuts,
  duration,
  faults,
  has_bytes,
  has_flows,
  healed_at,
  hydras,
  flows_in,
  places,
  run,
  step,
  steps,
} from './data.js';
import { bytes, clock, el, grouped, percent, plural, table } from './words.js';
import { make_map, tone, views } from './map.js';

const edge = 9; // half of the knob, so that the picture and the knob agree

function strip() {
  const s = run.series;
  const of_flows = Array.from(
    { length: steps },
    (_, b) => all_jobs(b) ?? flows_in(b).reduce((n, x) => n + x.jobs, 0),
  );
  const flight = s && s.in_flight && s.in_flight.length > 1 ? s.in_flight : of_flows;
  const svg = el('svg', {
    class: 'strip',
    viewBox: '0 0 1000 60',
    preserveAspectRatio: 'none',
    'aria-hidden': 'true',
  });
  const most = Math.max(1, ...flight);
  const x = (ms) => (ms / duration) * 1000;
  for (const c of cuts) {
    svg.append(
      el('rect', {
        x: x(c.start_ms),
        y: 0,
        width: x(c.end_ms) - x(c.start_ms),
        height: 60,
        class: 'strip-cut',
      }),
    );
  }
  const points = flight.map(
    (y, i) =>
      `${(((i + 0.5) / flight.length) * 1000).toFixed(1)},${(58 - (y / most) * 46).toFixed(1)}`,
  );
  svg.append(el('path', { class: 'strip-area', d: `M0,60 L${points.join(' L')} L1000,60 Z` }));
  svg.append(
    el('path', {
      class: 'strip-line',
      d: `M${points.join(' L')}`,
      'vector-effect': 'non-scaling-stroke',
    }),
  );
  return svg;
}

function ticks() {
  const beat =
    [60, 300, 600, 900, 1800, 3600, 7200, 21600, 86400]
      .map((s) => s * 1000)
      .find((t) => duration / t <= 7) || duration;
  const out = el('div', { class: 'ticks', 'aria-hidden': 'true' });
  for (let t = 0; t <= duration; t += beat) {
    const at = (t / duration) * 100;
    const place = at === 0 ? 'first' : at > 99 ? 'last' : (t / beat) % 2 ? 'odd' : '';
    out.append(el('span', { style: `left:${at}%`, class: place }, clock(t)));
  }
  return out;
}

export function world() {
  const box = el('div', { class: 'map', role: 'img', id: 'map' });
  const now = el('p', { class: 'now', 'aria-live': 'polite' });
  const time = el('output', { class: 'clock', for: 'time' });
  const slider = el('input', {
    type: 'range',
    id: 'time',
    min: 0,
    max: steps - 1,
    step: 1,
    value: 0,
    'aria-label': 'Time of the run',
  });
  const cursor = el('div', { class: 'cursor' });
  const play = el(
    'button',
    { type: 'button', class: 'play', 'aria-label': 'Play' },
    el('span', { 'aria-hidden': 'true' }),
  );
  const listed = el('div', {});
  const list = el(
    'details',
    { class: 'numbers' },
    el('summary', {}, 'The flows of this moment as a table'),
    listed,
  );
  const map = { ready: null, bucket: 0 };
  let timer = 0;

  const range = (b) => `${clock(b * step)} to ${clock(Math.min(duration, (b + 1) * step))}`;

  function sentence(b, shown, off) {
    const cut = cut_at(b);
    const healed = healed_at(b);
    const jobs = shown.reduce((n, x) => n + x.jobs, 0);
    const all = all_jobs(b) ?? jobs;
    const out = [];
    if (has_flows && all > 0) {
      out.push(
        el(
          'span',
          {},
          el('b', {}, grouped(all)),
          ' jobs placed',
          jobs < all
            ? ` (the map shows the ${grouped(shown.length)} strongest flows, ${percent(
                jobs / all,
              )} of them)`
            : '',
        ),
      );
    } else if (has_flows) out.push(el('span', {}, 'no job placed'));
    if (run.down) out.push(el('span', {}, el('b', {}, grouped(off.size)), ' Hydras off'));
    const some = jobs < all ? ' shown' : '';
    const over = shown.filter((x) => x.crosses).reduce((n, x) => n + x.jobs, 0);
    if (cut) {
      out.push(
        el(
          'span',
          { class: 'cut-word' },
          `${cut_name(cut)} is cut off, ${
            over
              ? `${plural(over, 'job')} crossed in this moment, marked`
              : `no flow${some} crosses`
          }`,
        ),
      );
    } else if (healed) {
      out.push(
        el(
          'span',
          { class: 'heal-word' },
          `${cut_name(healed)} is back, ${
            over ? `${plural(over, 'job')} crossed again` : `no flow${some} crosses yet`
          }`,
        ),
      );
    }
    return out;
  }

  function tell(b) {
    const { state } = map.made;
    const shown = state.shown;
    time.textContent = `${clock(b * step)}–${clock(Math.min(duration, (b + 1) * step))}`;
    slider.setAttribute('aria-valuetext', `${range(b)} of ${clock(duration)}`);
    slider.value = b;
    const part = steps > 1 ? b / (steps - 1) : 0;
    cursor.style.left = `calc(${edge}px + (100% - ${2 * edge}px) * ${part})`;
    const words = sentence(b, shown, state.off);
    now.replaceChildren(...words);
    box.setAttribute(
      'aria-label',
      `World map with ${grouped(hydras.count)} Hydras, ${range(b)}. ` +
        `${words.map((w) => w.textContent).join('. ')}.`,
    );
    if (list.open) fill(shown);
  }
  function fill(shown) {
    listed.replaceChildren(
      table(
        'The strongest flows',
        ['From', 'To', 'Jobs', ...(has_bytes ? ['Moved'] : [])],
        shown
          .slice(0, 20)
          .map((x) => [
            places[x.from].name,
            places[x.to].name,
            grouped(x.jobs),
            ...(has_bytes ? [bytes(x.bytes)] : []),
          ]),
      ),
    );
  }
  list.addEventListener('toggle', () => {
    if (list.open) fill(map.made.state.shown);
  });

  function go(b) {
    map.bucket = Math.max(0, Math.min(steps - 1, b));
    map.made.at(map.bucket);
    tell(map.bucket);
  }
  function stop() {
    clearInterval(timer);
    timer = 0;
    play.setAttribute('aria-label', 'Play');
    play.classList.remove('playing');
    now.setAttribute('aria-live', 'polite');
  }
  function start() {
    if (map.bucket >= steps - 1) go(0);
    play.setAttribute('aria-label', 'Pause');
    play.classList.add('playing');
    now.setAttribute('aria-live', 'off');
    timer = setInterval(
      () => {
        if (map.bucket >= steps - 1) stop();
        else go(map.bucket + 1);
      },
      Math.max(120, Math.min(600, 30000 / steps)),
    );
  }
  play.addEventListener('click', () => (timer ? stop() : start()));
  slider.addEventListener('input', () => {
    if (timer) stop();
    go(Number(slider.value));
  });
  slider.addEventListener('keydown', (event) => {
    const leap = Math.max(1, Math.round(steps / 12));
    const to = {
      ArrowRight: 1,
      ArrowUp: 1,
      ArrowLeft: -1,
      ArrowDown: -1,
      PageUp: leap,
      PageDown: -leap,
      Home: -steps,
      End: steps,
    }[event.key];
    if (event.key === ' ') play.click();
    else if (to === undefined) return;
    else {
      if (timer) stop();
      go(map.bucket + to);
    }
    event.preventDefault();
  });

  // ---- key and controls -----------------------------------------------------------------------

  const count = (c) => hydras.class.reduce((n, x) => n + (x === c), 0);
  const key = el(
    'div',
    { class: 'legend', role: 'group', 'aria-label': 'Key; press to hide or show' },
    classes
      .map((c, i) => [count(i), c, i])
      .filter(([n]) => n > 0)
      .map(([n, c, i]) => {
        const button = el(
          'button',
          {
            type: 'button',
            'aria-pressed': 'true',
            title: c.what,
            onclick: () => {
              map.made.toggle(i);
              button.setAttribute('aria-pressed', String(!map.made.state.hidden.has(i)));
            },
          },
          el('i', { class: 'dot', style: `background:var(--${tone(i)})` }),
          `${c.label} `,
          el('span', { class: 'soft' }, grouped(n)),
        );
        return button;
      }),
    run.down &&
      el(
        'span',
        { class: 'item' },
        el('i', { class: 'dot', style: 'background:var(--off)' }),
        'Off',
      ),
    has_flows && el('span', { class: 'item' }, el('i', { class: 'taper' }), 'Job, asker to server'),
    cuts.length > 0 && el('span', { class: 'item' }, el('i', { class: 'fence' }), 'Cut off'),
    cuts.length > 0 && el('span', { class: 'item' }, el('i', { class: 'fence whole' }), 'Back'),
  );
  const look = views.map((v, i) =>
    el(
      'button',
      {
        type: 'button',
        'aria-pressed': String(i === 0),
        onclick: () => {
          map.made.look(i);
          press(i);
        },
      },
      v.name,
    ),
  );
  const press = (k) => look.forEach((b, i) => b.setAttribute('aria-pressed', String(i === k)));
  const by = ['jobs', 'bytes'].map((what) =>
    el(
      'button',
      {
        type: 'button',
        'aria-pressed': String(what === 'jobs'),
        onclick: () => {
          map.made.by(what);
          by.forEach((b) => b.setAttribute('aria-pressed', String(b.dataset.by === what)));
        },
        'data-by': what,
      },
      what === 'jobs' ? 'Jobs' : 'Bytes',
    ),
  );
  const nearer = (times, word, sign) =>
    el(
      'button',
      {
        type: 'button',
        'aria-label': word,
        onclick: () => {
          map.made.nearer(times);
          press(map.made.state.zoom === 1 ? 0 : -1);
        },
      },
      sign,
    );
  const jumps = cuts.slice(0, 3).map((c) =>
    el(
      'button',
      {
        type: 'button',
        class: 'plain jump',
        onclick: () => {
          stop();
          go(Math.ceil(c.start_ms / step));
          slider.focus();
        },
      },
      `Go to the cut, ${clock(c.start_ms)}`,
    ),
  );
  const controls = el(
    'div',
    { class: 'controls' },
    el('div', { class: 'switch', role: 'group', 'aria-label': 'Part of the world' }, look),
    el(
      'div',
      { class: 'switch', role: 'group', 'aria-label': 'Nearer or farther' },
      nearer(1.6, 'Nearer', '+'),
      nearer(1 / 1.6, 'Farther', '−'),
    ),
    has_bytes &&
      el(
        'div',
        { class: 'switch', role: 'group', 'aria-label': 'Width of a flow' },
        el('span', { class: 'soft' }, 'Width'),
        by,
      ),
    jumps,
  );
  const section = el(
    'section',
    { id: 'world', class: 'world' },
    el('h2', {}, 'The world while it ran'),
    el(
      'p',
      { class: 'intro' },
      `${grouped(hydras.count)} Hydras where they live`,
      has_flows
        ? `, and the jobs placed among them, ${
            step === 60000 ? 'minute by minute' : `every ${step / 1000} s`
          }. Each flow grows from those who ask towards those who work.`
        : '.',
    ),
    controls,
    box,
    key,
    steps > 1 &&
      (has_flows || run.down) &&
      el(
        'div',
        { class: 'player' },
        play,
        time,
        el(
          'div',
          { class: 'rail' },
          el('div', { class: 'plot' }, strip()),
          cursor,
          slider,
          ticks(),
        ),
      ),
    el('div', { class: 'under' }, now),
    has_flows && list,
  );

  return {
    section,
    go,
    stop,
    slider,
    play,
    map,
    start_map() {
      map.made = make_map(box);
      map.made.resize();
      const first = cuts[0] ? Math.floor(cuts[0].start_ms / step) - 3 : Math.floor(steps / 3);
      go(Math.max(0, first));
    },
  };
}

export function fault_lines() {
  if (faults.length === 0) return null;
  const words = {
    partition: 'cut',
    loss: 'loss',
    lie: 'lies',
    crash: 'crash',
    clog: 'clog',
    slow: 'slow',
  };
  return el(
    'ul',
    { class: 'faults' },
    faults.map((f) =>
      el(
        'li',
        {},
        el(
          'span',
          { class: 'fault-name' },
          el('b', {}, f.kind === 'partition' ? `${cut_name(f)} cut off` : f.name),
          el('span', { class: 'soft' }, f.note || words[f.kind] || f.kind),
        ),
        el(
          'span',
          {
            class: 'lane',
            role: 'img',
            'aria-label': `${f.name}, from ${clock(f.start_ms)} to ${clock(f.end_ms)}`,
          },
          el('span', {
            class: `bar ${f.kind}`,
            style: `left:${
              (f.start_ms / duration) * 100
            }%;width:${Math.max(0.5, ((f.end_ms - f.start_ms) / duration) * 100)}%`,
          }),
        ),
        el(
          'span',
          { class: 'fault-time' },
          f.start_ms === 0 && f.end_ms === duration
            ? 'all the time'
            : `${clock(f.start_ms)}–${clock(f.end_ms)}`,
        ),
      ),
    ),
  );
}
export { crosses };
