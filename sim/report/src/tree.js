// The delegation tree of one job: who passed what on to whom, where, when, and how it ended.
import { city, kind, region, run, classes, hydras } from './data.js';
import { clock, el, grouped, plural, seconds } from './words.js';
import { tone } from './map.js';

const roles = ['asks', 'passes on', 'runs', 'repeats', 'judges'];
const states = [
  ['running', 'still running'],
  ['done', 'done'],
  ['failed', 'failed'],
  ['crashed', 'crashed'],
  ['refused', 'refused'],
  ['silent', 'fell silent'],
];
const checks = [null, ['agreed', '✓ verified'], ['forged', '✗ found wrong']];

function nodes(job) {
  const column = (name) => job[name] || [];
  const all = column('hydra').map((hydra, i) => ({
    i,
    hydra,
    parent: column('parent')[i],
    role: column('role')[i] || 0,
    state: column('state')[i] ?? 1,
    verified: column('verified')[i] || 0,
    replaces: column('replaces')[i] ?? -1,
    service: (job.services || [])[column('service_of')[i] || 0] || job.service,
    start: column('start_ms')[i],
    end: column('end_ms')[i],
    children: [],
  }));
  const roots = [];
  for (const n of all) (n.parent >= 0 && n.parent < n.i ? all[n.parent].children : roots).push(n);
  return { all, roots };
}

function story(job, all, first, last) {
  const root = all[0];
  const people = new Set(all.map((n) => n.hydra));
  const towns = new Set(all.map((n) => city(n.hydra)).filter(Boolean));
  const replaced = all.filter((n) => n.replaces >= 0).length;
  const wrong = all.filter((n) => n.verified === 2).length;
  const where = city(root.hydra) ? ` in ${city(root.hydra)}` : '';
  const verb =
    {
      0: 'It was still running when the run ended.',
      1: `It was done after ${seconds((last - first) / 1000)}.`,
      2: `It failed after ${seconds((last - first) / 1000)}.`,
    }[root.state] || '';
  return (
    `Hydra ${grouped(root.hydra)}${where} asked for ${job.service} at ${clock(first)}. ${verb} ` +
    `${plural(people.size, 'Hydra')}${towns.size > 1 ? ` in ${towns.size} cities` : ''} took part` +
    `${replaced ? `; ${plural(replaced, 'part')} had to be placed again` : ''}` +
    `${wrong ? `; ${plural(wrong, 'wrong result')} found out` : ''}.`
  );
}

function show(job, into) {
  const { all, roots } = nodes(job);
  const first = Math.min(...all.map((n) => n.start));
  const last = Math.max(...all.map((n) => (n.end >= 0 ? n.end : n.start)), first + 1);
  const open_end = all.some((n) => n.end < 0) ? last + (last - first) * 0.06 : last;
  const x = (ms) => ((ms - first) / (open_end - first)) * 100;
  const by_index = new Map();

  function row(n, level) {
    const [state, state_word] = states[n.state] || ['done', 'done'];
    const check = checks[n.verified];
    const again = n.replaces >= 0 && all[n.replaces];
    const where = city(n.hydra) || region(n.hydra);
    const took = n.end >= 0 ? seconds((n.end - n.start) / 1000) : 'running';
    const says =
      `${kind(n.hydra).label} ${grouped(n.hydra)}${where ? `, ${where}` : ''}, ` +
      `${roles[n.role]} ${n.service}, started ${clock(n.start)}, ${
        n.end >= 0 ? `ended ${clock(n.end)}` : 'not ended'
      }, ${state_word}${check ? `, ${check[1].slice(2)}` : ''}` +
      `${again ? `, instead of Hydra ${grouped(again.hydra)}` : ''}`;
    const has = n.children.length > 0;
    const item = el('li', {
      role: 'treeitem',
      'aria-level': level,
      tabindex: '-1',
      'aria-label': says,
      'aria-expanded': has ? 'true' : null,
    });
    const left = x(n.start);
    const width = Math.max(0.8, (n.end >= 0 ? x(n.end) : 100) - left);
    const line = el(
      'div',
      { class: `row is-${state}` },
      el(
        'span',
        { class: 'who' },
        el('span', { class: 'twist', 'aria-hidden': 'true' }, has ? '▾' : ''),
        el('i', {
          class: 'dot',
          style: `background:var(--${tone(hydras.class[n.hydra] || 0)})`,
          title: classes[hydras.class[n.hydra] || 0].label,
        }),
        el(
          'span',
          { class: 'name' },
          el('b', {}, where || `Hydra ${grouped(n.hydra)}`),
          where && el('span', { class: 'soft' }, ` Hydra ${grouped(n.hydra)}`),
        ),
      ),
      el('span', { class: 'does' }, el('span', { class: 'soft' }, `${roles[n.role]} `), n.service),
      el(
        'span',
        { class: 'when', title: `${clock(n.start)} to ${n.end >= 0 ? clock(n.end) : 'the end'}` },
        el('span', {
          class: `bar role-${n.role} is-${state}`,
          style: `left:${left}%;width:${Math.min(width, 100 - left)}%`,
        }),
      ),
      el('span', { class: 'took' }, took),
      el(
        'span',
        { class: 'ends' },
        again && el('span', { class: 'tag again' }, 'replacement'),
        state !== 'done' && el('span', { class: `tag ${state}` }, state_word),
        check && el('span', { class: `tag ${check[0]}` }, check[1]),
      ),
    );
    item.append(line);
    if (has)
      item.append(
        el(
          'ul',
          { role: 'group' },
          n.children.map((c) => row(c, level + 1)),
        ),
      );
    by_index.set(n.i, item);
    line.addEventListener('click', () => {
      if (has) turn(item);
      focus(item);
    });
    return item;
  }
  const list = el(
    'ul',
    { role: 'tree', class: 'tree', 'aria-label': `Delegation tree of job ${job.id}` },
    roots.map((n) => row(n, 1)),
  );

  const turn = (item, open = item.getAttribute('aria-expanded') !== 'true') => {
    item.setAttribute('aria-expanded', String(open));
    item.querySelector('.twist').textContent = open ? '▾' : '▸';
  };
  const visible = () =>
    [...list.querySelectorAll('[role=treeitem]')].filter(
      (i) => !i.parentElement.closest('[aria-expanded=false]'),
    );
  function focus(item) {
    for (const i of list.querySelectorAll('[tabindex="0"]')) i.setAttribute('tabindex', '-1');
    item.setAttribute('tabindex', '0');
    item.focus({ preventScroll: true });
    item.scrollIntoView({ block: 'nearest' });
  }
  list.addEventListener('keydown', (event) => {
    const now = event.target.closest('[role=treeitem]');
    const all_items = visible();
    const at = all_items.indexOf(now);
    const open = now.getAttribute('aria-expanded');
    const to = {
      ArrowDown: all_items[at + 1],
      ArrowUp: all_items[at - 1],
      Home: all_items[0],
      End: all_items[all_items.length - 1],
    }[event.key];
    if (to) focus(to);
    else if (event.key === 'ArrowRight' && open === 'false') turn(now, true);
    else if (event.key === 'ArrowRight' && open === 'true') focus(all_items[at + 1]);
    else if (event.key === 'ArrowLeft' && open === 'true') turn(now, false);
    else if (event.key === 'ArrowLeft') {
      const up = now.parentElement.closest('[role=treeitem]');
      if (up) focus(up);
    } else if ((event.key === 'Enter' || event.key === ' ') && open) turn(now);
    else if (!['ArrowUp', 'ArrowDown', ' '].includes(event.key)) return;
    event.preventDefault();
  });
  const top = list.querySelector('[role=treeitem]');
  if (top) top.setAttribute('tabindex', '0');

  into.replaceChildren(
    el('p', { class: 'lead' }, story(job, all, first, last)),
    el(
      'div',
      { class: 'tree-head', 'aria-hidden': 'true' },
      el('span', {}, 'Who, where'),
      el('span', {}, 'What'),
      el('span', { class: 'ends-of-time' }, el('i', {}, clock(first)), el('i', {}, clock(last))),
      el('span', { class: 'took' }, 'Took'),
      el('span', {}, 'Outcome'),
    ),
    list,
  );
}

export function trees() {
  const jobs = (run.jobs || []).filter((j) => (j.hydra || []).length > 0);
  if (jobs.length === 0) return null;
  const into = el('div', { class: 'tree-box', id: 'tree-box' });
  const word = (j) => {
    const { all } = nodes(j);
    const bits = [`${plural(all.length, 'node')}`];
    if (all.some((n) => n.verified === 2)) bits.push('a liar found out');
    if (all.some((n) => n.state === 5)) bits.push('somebody fell silent');
    if (all.some((n) => n.state === 3)) bits.push('a crash');
    if (all[0].state === 2) bits.push('failed');
    if (all[0].state === 0) bits.push('still running');
    return (
      `${j.service}, from ${city(all[0].hydra) || `Hydra ${all[0].hydra}`} at ` +
      `${clock(all[0].start)} (${bits.join(', ')})`
    );
  };
  const choice = el(
    'select',
    { id: 'tree-of', onchange: () => show(jobs[choice.value], into) },
    jobs.map((j, i) => el('option', { value: i }, word(j))),
  );
  const step = (by) => {
    choice.value = (Number(choice.value) + by + jobs.length) % jobs.length;
    show(jobs[choice.value], into);
  };
  show(jobs[0], into);
  return el(
    'section',
    { id: 'jobs' },
    el('h2', {}, 'Who did what'),
    el(
      'p',
      { class: 'intro' },
      'A Hydra that cannot do a job asks one that can, or knows one. ',
      'Each line below is one of them; lines further in were asked by the line above.',
    ),
    el(
      'div',
      { class: 'chooser' },
      el('label', { for: 'tree-of' }, 'Job'),
      choice,
      jobs.length > 1 &&
        el(
          'button',
          { type: 'button', class: 'plain', 'aria-label': 'Previous job', onclick: () => step(-1) },
          '‹',
        ),
      jobs.length > 1 &&
        el(
          'button',
          { type: 'button', class: 'plain', 'aria-label': 'Next job', onclick: () => step(1) },
          '›',
        ),
    ),
    into,
  );
}
