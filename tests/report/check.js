// Looks at a report page as somebody would who trusts nothing of it: compares what it shows with
// the summary of the run, measures where Hydras stand, moves the slider, changes the colours,
// types. check.sh puts it into a copy of the page, first of all scripts; the verdict goes into the
// page.
(() => {
  const failures = [];
  let checks = 0;
  const expect = (holds, words) => {
    checks += 1;
    if (!holds && failures.length < 200) failures.push(words);
    return holds;
  };
  addEventListener('error', (e) => failures.push(`error in the page: ${e.message}`));
  addEventListener('unhandledrejection', (e) => failures.push(`unhandled: ${e.reason}`));
  const said = console.error.bind(console);
  console.error = (...words) => {
    failures.push(`console: ${words.join(' ')}`);
    said(...words);
  };

  const all = (what, from = document) => [...from.querySelectorAll(what)];
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const json = (id) => JSON.parse(document.getElementById(id).textContent);
  const at = (path, from) => path.split('.').reduce((o, k) => (o ? o[k] : undefined), from);
  const same = (a, b) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
  function sorted(x) {
    if (Array.isArray(x)) return x.map(sorted);
    if (x === null || typeof x !== 'object') return x;
    return Object.fromEntries(
      Object.keys(x)
        .sort()
        .map((k) => [k, sorted(x[k])]),
    );
  }

  // ---- numbers --------------------------------------------------------------------------------

  const lengths = { ms: 0.001, s: 1, min: 60, h: 3600 };
  function number_of(words, scale) {
    if (scale === 'span') {
      return [...words.matchAll(/([\d.,]+) (ms|min|s|h)/g)].reduce(
        (sum, [, n, unit]) => sum + Number(n.replace(/,/g, '')) * lengths[unit],
        0,
      );
    }
    const small = words.startsWith('<');
    const n = Number(words.replace(/[<,\s]/g, ''));
    return small ? NaN : n * Number(scale || 1);
  }
  function numbers(summary) {
    const seen = new Set();
    for (const e of all('[data-field]')) {
      const { field, value, scale } = e.dataset;
      const real = at(field, summary);
      seen.add(field);
      expect(real !== undefined, `${field} is shown and the summary has it not`);
      expect(String(real) === value, `${field}: the page holds ${value}, the summary says ${real}`);
      if (typeof real !== 'number') {
        expect(e.textContent === String(real), `${field}: shown as ${e.textContent}`);
        continue;
      }
      const shown = number_of(e.textContent, scale);
      const room = Math.max(Math.abs(real) * 0.006, 0.0006);
      expect(
        e.textContent.startsWith('<') ? real < 0.001 : Math.abs(shown - real) <= room,
        `${field}: shown as ${e.textContent} (${shown}), the summary says ${real}`,
      );
    }
    const wanted = [
      'hydras',
      'simulated_s',
      'seed',
      'digest',
      'events',
      'messages',
      'reproduce',
      'jobs.submitted',
      'jobs.completed',
      'jobs.failed',
      'jobs.running',
      'jobs.replaced',
      'response_s.mean',
      'response_s.p50',
      'response_s.p90',
      'response_s.p99',
      'hops.mean',
      'hops.p99',
      'remote_share',
      'utilisation.mean',
      'utilisation.p99',
      'wrong_accepted',
    ];
    (summary.rows || []).forEach((row, i) => {
      // The run itself is shown anyway; what has a key of its own is shown by it.
      const from = summary[row.name] ? row.name : `rows.${i}`;
      if (row.name !== 'ours') wanted.push(`${from}.jobs.failed`, `${from}.response_s.mean`);
    });
    for (const path of wanted)
      if (at(path, summary) !== undefined) expect(seen.has(path), `${path} is not shown`);
    const { submitted, completed } = summary.jobs;
    const share = ((100 * completed) / submitted).toFixed(1);
    expect(
      document.querySelector('.cards .big').textContent.startsWith(share),
      `the share of completed jobs is not shown as ${share} %`,
    );
  }

  // ---- places: the Equal Earth projection once more, from its paper -----------------------------

  const a = [1.340264, -0.081106, 0.000893, 0.003796];
  function plane(lon, lat) {
    const p = Math.asin((Math.sqrt(3) / 2) * Math.sin((lat * Math.PI) / 180));
    const below = 9 * a[3] * p ** 8 + 7 * a[2] * p ** 6 + 3 * a[1] * p ** 2 + a[0];
    return [
      (2 * Math.sqrt(3) * ((lon * Math.PI) / 180) * Math.cos(p)) / (3 * below),
      a[3] * p ** 9 + a[2] * p ** 7 + a[1] * p ** 3 + a[0] * p,
    ];
  }
  // The whole globe fills the width; 83.6 north is the upper edge and 55.9 south the lower.
  function expected(box, lon, lat) {
    const [x, y] = plane(lon, lat);
    const scale = box.clientWidth / (2 * plane(180, 0)[0]);
    const middle = (plane(0, 83.6)[1] + plane(0, -55.9)[1]) / 2;
    return [box.clientWidth / 2 + x * scale, box.clientHeight / 2 - (y - middle) * scale];
  }
  const cities = {
    Berlin: [13.41, 52.52],
    Sydney: [151.21, -33.87],
    'New York City': [-74.01, 40.71],
    Tokyo: [139.69, 35.69],
    Lagos: [3.39, 6.45],
    'São Paulo': [-46.64, -23.55],
    Mumbai: [72.88, 19.07],
    Cairo: [31.25, 30.06],
    Moscow: [37.62, 55.75],
    Jakarta: [106.85, -6.21],
    Beijing: [116.4, 39.91],
    Istanbul: [28.95, 41.01],
    Lima: [-77.03, -12.04],
    'Buenos Aires': [-58.38, -34.61],
    'Mexico City': [-99.13, 19.43],
    Paris: [2.35, 48.85],
    Toronto: [-79.42, 43.7],
    'Los Angeles': [-118.24, 34.05],
    Nairobi: [36.82, -1.28],
    Bangkok: [100.5, 13.75],
    Shanghai: [121.46, 31.22],
    Melbourne: [144.96, -37.81],
  };
  function hydras_stand(data, box, page) {
    const { lon, lat, city } = data.hydras;
    let worst = 0;
    for (let i = 0; i < lon.length; i += 1) {
      const [x, y] = page.pixelOf(i);
      const [u, v] = expected(box, lon[i] / 1000, lat[i] / 1000);
      const d = Math.hypot(x - u, y - v);
      worst = Number.isFinite(d) ? Math.max(worst, d) : Infinity;
    }
    expect(worst < 1.5, `a Hydra is drawn ${worst.toFixed(1)} pixels from where it lives`);
    if (!city || !data.cities) return;
    let found = 0;
    for (const [name, [east, north]] of Object.entries(cities)) {
      const there = city.map((c, i) => (data.cities[c] === name ? i : -1)).filter((i) => i >= 0);
      if (there.length === 0) continue;
      found += 1;
      const [u, v] = expected(box, east, north);
      const near = there.filter(
        (i) => Math.hypot(page.pixelOf(i)[0] - u, page.pixelOf(i)[1] - v) < 5,
      );
      // Towns share names, so a part may stand elsewhere.
      expect(
        near.length * 2 >= there.length,
        `${there.length - near.length} of ${there.length} ` +
          `Hydras of ${name} do not stand at ${name}`,
      );
      const [p, q] = page.project(east, north);
      expect(Math.hypot(p - u, q - v) < 1.5, `${name} is projected to another place`);
    }
    if (lon.length >= 5000) expect(found >= 8, `only ${found} of the known cities have a Hydra`);
  }

  // ---- what is really on the canvas -------------------------------------------------------------

  function painter(page) {
    const canvas = page.mapCanvas();
    const ratio = canvas.width / canvas.clientWidth;
    const brush = canvas.getContext('2d');
    return (x, y, reach) => {
      const side = Math.max(1, Math.round((2 * reach + 1) * ratio));
      const { data } = brush.getImageData(
        Math.round((x - reach) * ratio),
        Math.round((y - reach) * ratio),
        side,
        side,
      );
      return Array.from({ length: data.length / 4 }, (_, i) => [...data.slice(4 * i, 4 * i + 4)]);
    };
  }
  function colour(name) {
    const hex = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  }
  const apart = (p, c) => (p[3] < 128 ? 999 : Math.hypot(p[0] - c[0], p[1] - c[1], p[2] - c[2]));
  function land_and_sea(box, page) {
    const look = painter(page);
    const land = [
      [133, -25],
      [24, 24],
      [100, 66],
      [-60, -7],
      [-100, 58],
      [-42, 72],
      [90, 35],
    ];
    const sea = [
      [-35, 28],
      [-140, -28],
      [80, -32],
      [-20, -40],
      [165, 42],
    ];
    const is = ([lon, lat]) =>
      look(...expected(box, lon, lat), 2).filter((p) => apart(p, colour('land')) < 12).length > 6;
    const dry = land.filter(is).length;
    const wet = sea.filter((p) => !is(p)).length;
    expect(dry >= land.length - 1, `land is drawn at ${dry} of ${land.length} places on land`);
    expect(wet === sea.length, `no land is drawn at ${wet} of ${sea.length} places at sea`);
  }
  function dots_are_there(data, box, page) {
    const look = painter(page);
    const what = data.classes.findIndex((c) => c.id === 'head');
    if (what < 0) return;
    const tone = colour('head');
    const some = data.hydras.class
      .map((c, i) => (c === what ? i : -1))
      .filter((i) => i >= 0)
      .filter((_, k, them) => k % Math.ceil(them.length / 200) === 0);
    const seen = some.filter((i) =>
      look(...expected(box, data.hydras.lon[i] / 1000, data.hydras.lat[i] / 1000), 2).some(
        (p) => apart(p, tone) < 70,
      ),
    ).length;
    expect(seen >= some.length * 0.7, `only ${seen} of ${some.length} servers can be seen`);
  }

  // ---- time -------------------------------------------------------------------------------------

  const press = (target, key) =>
    target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
  async function slide(page, to) {
    const slider = document.getElementById('time');
    slider.value = to;
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    await wait(60);
    return JSON.stringify(page.flowsShown());
  }
  async function time_moves(data, page) {
    const slider = document.getElementById('time');
    if (!slider) {
      expect(!data.flows, 'there are flows and no slider');
      return;
    }
    const last = Number(slider.max);
    const marks = [0.2, 0.4, 0.6].map((x) => Math.round(x * last));
    const shown = [];
    const pictures = [];
    for (const m of marks) {
      shown.push(await slide(page, m));
      pictures.push(
        page.mapCanvas().toDataURL().length + page.mapCanvas().toDataURL().slice(-20000),
      );
      expect(page.time() === m * page.bucket(), `the slider at ${m} does not set the time`);
      if (data.flows) {
        const there = data.flows.bucket.filter((b) => b === m).length;
        expect(
          page.flowsShown().length === there,
          `${page.flowsShown().length} flows are drawn at ${m}, the data have ${there}`,
        );
      }
    }
    if (data.flows) {
      expect(new Set(shown).size === marks.length, 'moving the slider does not change the flows');
      expect(new Set(pictures).size === marks.length, 'moving the slider does not change the map');
    }
    const before = page.time();
    press(slider, 'ArrowRight');
    expect(page.time() === before + page.bucket(), 'the right arrow does not go one step on');
    press(slider, 'ArrowLeft');
    expect(page.time() === before, 'the left arrow does not go one step back');
    press(slider, 'Home');
    expect(page.time() === 0, 'Home does not go to the begin');
    expect(
      (slider.getAttribute('aria-valuetext') || '').includes('00:00'),
      'the slider says no time',
    );
    const play = document.querySelector('.play');
    play.click();
    await wait(1600);
    const played = page.time();
    expect(played > 0, 'playing does not move the time');
    play.click();
    await wait(900);
    expect(page.time() === played, 'pausing does not stop the time');
  }
  function cuts_hold(data, page) {
    if (!data.flows || !data.faults) return;
    const crosses = (f, cut) =>
      cut.regions.includes(f.from_region) !== cut.regions.includes(f.to_region);
    for (const cut of data.faults.filter((f) => f.kind === 'partition')) {
      const steps = page.bucket();
      for (let t = Math.ceil(cut.start_ms / steps) * steps; t + steps <= cut.end_ms; t += steps) {
        page.setTime(t);
        const loose = page.flowsShown().filter((f) => crosses(f, cut) && !f.marked);
        expect(loose.length === 0, `at ${t} ms ${loose.length} flows cross the cut unmarked`);
        expect(page.cutShown().length > 0, `at ${t} ms the cut is not drawn`);
        expect(
          /cut off/.test(document.querySelector('.now').textContent),
          `at ${t} ms the words do not say that somebody is cut off`,
        );
      }
      if (cut.start_ms >= 2 * steps) page.setTime(cut.start_ms - 2 * steps);
      expect(
        page.flowsShown().every((f) => !f.marked),
        'flows are marked before the cut',
      );
      expect(page.cutShown().length === 0, 'the cut is drawn before it begins');
    }
  }

  // ---- colours, keys, names ---------------------------------------------------------------------

  const light = () => {
    const rgb = getComputedStyle(document.body)
      .backgroundColor.match(/[\d.]+/g)
      .map(Number);
    return (rgb[0] + rgb[1] + rgb[2]) / 3;
  };
  async function colours(box, page) {
    const button = document.querySelector('.theme');
    page.setTheme('light');
    const first = light();
    button.click();
    await wait(60);
    expect(page.theme() === 'dark' && light() < 60 && first > 200, 'the dark colours are not dark');
    land_and_sea(box, page);
    button.click();
    await wait(60);
    expect(page.theme() === 'light' && light() === first, 'the light colours do not come back');
  }
  function names() {
    for (const e of all('[role="img"], [role="tree"], [role="region"]')) {
      const name = e.getAttribute('aria-label') || '';
      expect(
        name.length >= (e.matches('.chart, .map') ? 30 : 5),
        `no label on ${e.id || e.className}`,
      );
      expect(!/undefined|NaN|\[object/.test(name), `a label says ${name.slice(0, 90)}`);
    }
    for (const e of all('button, select, input, a'))
      expect(
        (e.getAttribute('aria-label') || e.textContent || '').trim() ||
          all(`label[for="${e.id}"]`).length,
        `a ${e.tagName} without a name`,
      );
    for (const e of all('button, select, input, a[href], summary'))
      expect(e.tabIndex >= 0, `${e.tagName} ${e.textContent.slice(0, 30)} is not reached by keys`);
    const words = document.getElementById('content').innerText;
    expect(!/undefined|NaN|\[object/.test(words), 'a word of the machine is in the text');
    expect(all('h1').length === 1, 'there must be one h1');
    expect(document.documentElement.lang === 'en', 'the page names no language');
  }
  function figures() {
    for (const e of all('.chart')) {
      expect(all('path, rect', e).length > 3, `nothing is drawn in ${e.id}`);
      const beside = e.parentElement.querySelector('.numbers');
      expect(beside && all('tbody tr', beside).length > 0, `no table beside ${e.id}`);
    }
  }
  function tree_keys(data) {
    const tree = document.querySelector('[role="tree"]');
    if (!tree) {
      expect(!(data.jobs || []).length, 'there are jobs and no tree');
      return;
    }
    const items = all('[role="treeitem"]', tree);
    expect(
      items.length === data.jobs[0].hydra.length,
      'the tree does not have all nodes of its job',
    );
    items[0].focus();
    press(items[0], 'ArrowDown');
    expect(document.activeElement === items[1], 'the down arrow does not go down the tree');
    press(items[1], 'ArrowUp');
    press(items[0], 'ArrowLeft');
    expect(items[0].getAttribute('aria-expanded') === 'false', 'the left arrow does not fold');
    press(items[0], 'ArrowRight');
    expect(items[0].getAttribute('aria-expanded') === 'true', 'the right arrow does not unfold');
    const choice = document.getElementById('tree-of');
    expect(choice.options.length === data.jobs.length, 'not every job can be chosen');
    choice.value = String(data.jobs.length - 1);
    choice.dispatchEvent(new Event('change'));
    expect(
      all('[role="treeitem"]').length === data.jobs[data.jobs.length - 1].hydra.length,
      'another job does not show its own tree',
    );
  }
  function alone() {
    const loaded = performance
      .getEntriesByType('resource')
      .map((r) => r.name)
      .filter((n) => !n.startsWith('data:'));
    expect(loaded.length === 0, `the page loads ${loaded[0]}`);
    expect(document.documentElement.scrollWidth <= innerWidth, 'the page is wider than the window');
  }

  async function look() {
    const page = window.hydraReport;
    if (!expect(page, 'the page did not start: no window.hydraReport')) return;
    await page.ready;
    await wait(300);
    const data = json('hydra-data');
    const summary = json('check-summary');
    expect(same(data.summary, summary), 'the summary in the page is not the given one');
    numbers(summary);
    names();
    figures();
    alone();
    const box = document.getElementById('map');
    if (expect(box || !data.hydras.lon.length, 'there is no map') && box) {
      page.setTheme('light');
      page.setTime(0);
      hydras_stand(data, box, page);
      land_and_sea(box, page);
      if (data.hydras.lon.length) dots_are_there(data, box, page);
      await time_moves(data, page);
      cuts_hold(data, page);
      await colours(box, page);
    }
    tree_keys(data);
    names();
  }
  addEventListener('load', async () => {
    try {
      await look();
    } catch (e) {
      failures.push(`the check stopped: ${e.stack || e}`);
    }
    const verdict = document.createElement('script');
    verdict.type = 'text/plain';
    verdict.id = 'hydra-verdict';
    const short = [...new Set(failures)].map((f) =>
      f.replace(/\s+/g, ' ').replace(/</g, '(').slice(0, 300),
    );
    verdict.textContent = [
      '',
      `verdict ${JSON.stringify({ ok: short.length === 0, checks, failures: short })}`,
      ...short.map((f) => `failed: ${f}`),
      'end of verdict',
      '',
    ].join('\n');
    document.body.append(verdict);
  });
})();
