// Writes a plausible run for tests of the page: 10,000 Hydras on real cities, one hour, one region
// cut off for five minutes, liars, and the delegation trees of some jobs. Nothing here is measured.
//
//   node make_example.mjs OUT [--hydras N] [--bare]
//
// into the folder OUT: data.json (the contract), summary.json (as `hydra sim run --json` says it)
// and report.html (the template with the data put in). --bare leaves out all that is optional.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const [out, ...flags] = process.argv.slice(2);
if (!out) {
  console.error('usage: node make_example.mjs OUT [--hydras N] [--bare]');
  process.exit(2);
}
const bare = flags.includes('--bare');
const count = flags.includes('--hydras') ? Number(flags[flags.indexOf('--hydras') + 1]) : 10000;

// ---- chance, the same everywhere --------------------------------------------------------------

let state = 20260101;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (n) => Math.floor(random() * n);
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const exponential = (mean) => -mean * Math.log(1 - random());

// ---- places -----------------------------------------------------------------------------------

const degrees = 180 / Math.PI;
const towns = readFileSync(join(here, '../../data/places.csv'), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [name, , region, x, y, z, population] = line.split(',');
    return {
      name,
      region,
      lon: Math.atan2(y, x) * degrees,
      lat: Math.asin(z / 32767) * degrees,
      population: Number(population),
    };
  });
const words = {
  africa: 'Africa',
  asia: 'Asia',
  europe: 'Europe',
  'north-america': 'North America',
  north_america: 'North America',
  south_america: 'South America',
  'south-america': 'South America',
  oceania: 'Oceania',
};
const keys = [...new Set(towns.map((t) => t.region))].sort();
const regions = keys.map((k) => words[k] || k);
const oceania = keys.indexOf('oceania');
for (const t of towns) t.at = keys.indexOf(t.region);

const apart = (a, b) => {
  const d =
    Math.sin(a.lat / degrees) * Math.sin(b.lat / degrees) +
    Math.cos(a.lat / degrees) * Math.cos(b.lat / degrees) * Math.cos((a.lon - b.lon) / degrees);
  return Math.acos(Math.min(1, Math.max(-1, d))) * 6371;
};
const hubs = [];
for (const t of [...towns].sort((a, b) => b.population - a.population))
  if (hubs.length < 160 && hubs.every((h) => h.at !== t.at || apart(h, t) > 560)) hubs.push(t);
const nearest = new Map();
function hub_of(town) {
  if (!nearest.has(town)) {
    let best = -1;
    hubs.forEach((h, i) => {
      if (h.at === town.at && (best < 0 || apart(h, town) < apart(hubs[best], town))) best = i;
    });
    nearest.set(town, best);
  }
  return nearest.get(town);
}

// ---- Hydras -----------------------------------------------------------------------------------

const total = towns.reduce((sum, t) => sum + t.population, 0);
const upto = [];
towns.reduce((sum, t) => {
  upto.push(sum + t.population);
  return sum + t.population;
}, 0);
function some_town() {
  const want = random() * total;
  let [low, high] = [0, upto.length - 1];
  while (low < high) {
    const mid = (low + high) >> 1;
    if (upto[mid] < want) low = mid + 1;
    else high = mid;
  }
  return towns[low];
}
const whole = 3600000;
const classes = [
  { id: 'asker', label: 'Asker', what: 'asks, serves nobody' },
  { id: 'head', label: 'Server', what: 'has heads that serve others' },
  { id: 'phone', label: 'Phone', what: 'asks from the road, outbound only' },
  { id: 'liar', label: 'Liar', what: 'serves, and gives wrong results now and then' },
];
const cities = new Map();
const hydras = { lon: [], lat: [], class: [], region: [], city: [], busy: [], ran: [], asked: [] };
const homes = [];
const servers = [];
for (let i = 0; i < count; i += 1) {
  const t = some_town();
  const chance = random();
  const what = chance < 0.094 ? 1 : chance < 0.104 ? 3 : chance < 0.35 ? 2 : 0;
  homes.push(t);
  if (!cities.has(t.name)) cities.set(t.name, cities.size);
  hydras.lon.push(Math.round(t.lon * 1000));
  hydras.lat.push(Math.round(t.lat * 1000));
  hydras.class.push(what);
  hydras.region.push(t.at);
  hydras.city.push(cities.get(t.name));
  hydras.busy.push(-1);
  hydras.ran.push(0);
  hydras.asked.push(0);
  if (what === 1 || what === 3) servers.push(i);
}
for (const i of servers) {
  const busy = hydras.class[i] === 3 ? 0.16 + 0.05 * normal() : 0.64 + 0.19 * normal();
  hydras.busy[i] = Math.round(1000 * Math.min(0.985, Math.max(0.01, busy)));
}

const down = { hydra: [], from_ms: [], to_ms: [] };
for (let i = 0; i < count; i += 1) {
  if (random() < 0.055) {
    const from = below(2400000);
    down.hydra.push(i);
    down.from_ms.push(random() < 0.5 ? 0 : from);
    down.to_ms.push(random() < 0.45 ? whole : Math.min(whole, Math.round(from + exponential(9e5))));
  }
  if (random() < 0.07) {
    const from = below(whole);
    down.hydra.push(i);
    down.from_ms.push(from);
    down.to_ms.push(Math.min(whole, Math.round(from + exponential(4e5))));
  }
}

// ---- jobs -------------------------------------------------------------------------------------

const cut = { from: 1500000, to: 1800000 };
const cut_now = (ms) => ms >= cut.from && ms < cut.to;
const bucket_ms = 60000;
const buckets = whole / bucket_ms;
const fine_ms = 15000;
const fine = whole / fine_ms;
const zeros = (n) => Array(n).fill(0);
const series = {
  bucket_ms: fine_ms,
  submitted: zeros(fine),
  completed: zeros(fine),
  failed: zeros(fine),
  replaced: zeros(fine),
  in_flight: zeros(fine),
  up: zeros(fine),
  messages: zeros(fine),
  kb: zeros(fine),
  crashed: zeros(fine),
  restarted: zeros(fine),
};
const edges = [0];
for (let e = 250; e < 1300000; e *= 1.19) edges.push(Math.round(e));
const counts = zeros(edges.length - 1);
const alone_counts = zeros(edges.length - 1);
const central_counts = zeros(edges.length - 1);
const into = (where, ms) => {
  const at = edges.findIndex((e, i) => i + 1 < edges.length && ms < edges[i + 1]);
  where[at < 0 ? where.length - 1 : at] += 1;
};
const hops = zeros(8);
const flows = Array.from({ length: buckets }, () => new Map());
const all_jobs = zeros(buckets);
const responses = [];
const jobs = { submitted: 0, completed: 0, failed: 0, running: 0, replaced: 0 };
let remote = 0;
const by_region = keys.map((_, r) => servers.filter((s) => hydras.region[s] === r));
function server_for(asker, ms) {
  const mine = hydras.region[asker];
  const cut_off = cut_now(ms);
  for (let tries = 0; tries < 50; tries += 1) {
    const local = random() < 0.72 && by_region[mine].length > 0;
    const s = local
      ? by_region[mine][below(by_region[mine].length)]
      : servers[below(servers.length)];
    const far = apart(homes[asker], homes[s]);
    if (random() > Math.exp(-far / 5200) + 0.03) continue;
    if (cut_off && (hydras.region[s] === oceania) !== (mine === oceania)) continue;
    return s;
  }
  return by_region[mine][0] === undefined ? asker : by_region[mine][0];
}
for (let at = 60000; at < whole - 200000; at += exponential(whole / (6.6 * count))) {
  const ms = Math.floor(at);
  const asker = below(count);
  const server = server_for(asker, ms);
  const slow = cut_now(ms) ? 1.25 : 1;
  const ran = Math.min(1.25e6, Math.exp(Math.log(108000 * slow) + 0.72 * normal()) + 300);
  const end = Math.floor(ms + ran);
  jobs.submitted += 1;
  hydras.asked[asker] += 1;
  hydras.ran[server] += 1;
  const a = Math.floor(ms / fine_ms);
  series.submitted[a] += 1;
  const again = random() < (cut_now(ms) && hydras.region[asker] === oceania ? 0.4 : 0.045);
  if (again) {
    jobs.replaced += 1;
    series.replaced[Math.min(fine - 1, a + below(8))] += 1;
  }
  const z = Math.floor(end / fine_ms);
  for (let b = a; b < Math.min(fine, z); b += 1) series.in_flight[b] += 1;
  if (end >= whole) jobs.running += 1;
  else if (random() < 0.00025) {
    jobs.failed += 1;
    series.failed[z] += 1;
  } else {
    jobs.completed += 1;
    series.completed[z] += 1;
    responses.push(ran / 1000);
    into(counts, ran);
    into(central_counts, ran * (0.5 + 0.2 * random()));
    if (random() < 0.03) into(alone_counts, exponential(37500) + 300);
    hops[Math.max(0, Math.min(7, Math.round(3.1 + 0.9 * normal())))] += 1;
    if (server !== asker) remote += 1;
  }
  const b = Math.floor(ms / bucket_ms);
  const key = hub_of(homes[asker]) * 1000 + hub_of(homes[server]);
  const seen = flows[b].get(key) || { jobs: 0, kb: 0 };
  seen.jobs += 1;
  seen.kb += Math.round(exponential(900));
  flows[b].set(key, seen);
  all_jobs[b] += 1;
}
for (let b = 0; b < fine; b += 1) {
  const middle = (b + 0.5) * fine_ms;
  const load = series.submitted[b] + (0.4 * series.in_flight[b]) / 8;
  const wave = 1 + 0.03 * normal() + (cut_now(middle) ? 0.16 : 0);
  series.messages[b] = Math.round((load * 130 + 1.1 * count) * wave);
  series.kb[b] = Math.round((load * 880 + 0.2 * count) * (1 + 0.04 * normal()));
  series.up[b] = count;
}
for (let i = 0; i < down.hydra.length; i += 1) {
  const [a, z] = [down.from_ms[i], down.to_ms[i]].map((x) => Math.floor(x / fine_ms));
  if (down.from_ms[i] > 0) series.crashed[a] += 1;
  if (z < fine) series.restarted[z] += 1;
  for (let b = a; b < Math.min(z, fine); b += 1) series.up[b] -= 1;
}
const flat = { bucket_ms, bucket: [], from: [], to: [], jobs: [], kb: [], all_jobs };
// The strongest, and those that go over the border of the region that is cut off.
const over = ([key]) =>
  (hubs[Math.floor(key / 1000)].at === oceania) !== (hubs[key % 1000].at === oceania);
const strongest = (seen) => [...seen].sort((x, y) => y[1].jobs - x[1].jobs || x[0] - y[0]);
flows.forEach((seen, b) =>
  strongest(seen)
    .filter((one, i, all) => i < 140 || (over(one) && all.slice(140, i).filter(over).length < 20))
    .forEach(([key, { jobs: n, kb }]) => {
      flat.bucket.push(b);
      flat.from.push(Math.floor(key / 1000));
      flat.to.push(key % 1000);
      flat.jobs.push(n);
      flat.kb.push(kb);
    }),
);

// ---- trust ------------------------------------------------------------------------------------

const trust = {
  at_ms: [],
  honest: { p10: [], p50: [], p90: [] },
  liars: { p10: [], p50: [], p90: [] },
};
for (let ms = 0; ms <= whole; ms += 60000) {
  const t = ms / whole;
  const grow = 1 - Math.exp(-5 * t);
  const fall = Math.exp(-7 * Math.max(0, t - 0.04));
  const put = (where, a, b, c) => {
    where.p10.push(Math.round(a));
    where.p50.push(Math.round(b));
    where.p90.push(Math.round(c));
  };
  trust.at_ms.push(ms);
  put(
    trust.honest,
    500 + 160 * grow + 6 * normal(),
    500 + 350 * grow + 4 * normal(),
    500 + 450 * grow,
  );
  put(
    trust.liars,
    20 + 480 * fall ** 1.8,
    60 + 440 * fall + 6 * normal(),
    150 + 370 * fall ** 0.55 + 8 * normal(),
  );
}

// ---- delegation trees -------------------------------------------------------------------------

const services = [
  'render.movie',
  'transcode.audio',
  'fold.protein',
  'index.archive',
  'train.model',
];
const [asked, passed, task, repeat, judge] = [0, 1, 2, 3, 4];
const [running, done, failed, crashed, refused, silent] = [0, 1, 2, 3, 4, 5];
function tree(n) {
  const asker = [...Array(count).keys()].filter((i) => hydras.class[i] !== 3)[below(count - 200)];
  const start = n === 1 ? 1471000 : 240000 + below(2400000);
  const service = services[n % services.length];
  const t = {
    id: `${asker}/${1 + below(9)}`,
    service,
    parent: [],
    hydra: [],
    role: [],
    service_of: [],
    start_ms: [],
    end_ms: [],
    state: [],
    verified: [],
    replaces: [],
  };
  const add = (parent, hydra, role, from, to, state, verified, replaces = -1, what = 0) => {
    t.parent.push(parent);
    t.hydra.push(hydra);
    t.role.push(role);
    t.start_ms.push(from);
    t.end_ms.push(to);
    t.state.push(state);
    t.verified.push(verified);
    t.replaces.push(replaces);
    t.service_of.push(what);
    return t.parent.length - 1;
  };
  const frames = 2 + below(3);
  let latest = start;
  const root = add(-1, asker, asked, start, 0, n === 5 ? running : done, 1);
  const hop = add(root, server_for(asker, start), passed, start + 180, 0, done, 0);
  for (let k = 0; k < frames; k += 1) {
    const who = servers[below(servers.length)];
    const begin = start + 420 + below(900);
    const length = 30000 + below(70000);
    if (k === 0) {
      const gone = add(hop, who, task, begin, begin + 21000, n === 1 ? silent : crashed, 0, -1, 1);
      const second = servers[below(servers.length)];
      const end = begin + 24000 + length;
      add(hop, second, task, begin + 24000, end, done, 1, gone, 1);
      latest = Math.max(latest, end);
      continue;
    }
    if (k === 1) {
      const far = add(hop, who, passed, begin, begin + length, done, 0, -1, 1);
      const under = servers[below(servers.length)];
      const lied = n === 2;
      const first = add(
        far,
        under,
        task,
        begin + 260,
        begin + length - 9000,
        done,
        lied ? 2 : 1,
        -1,
        2,
      );
      add(
        first,
        servers[below(servers.length)],
        repeat,
        begin + 400,
        begin + length - 5000,
        done,
        1,
        -1,
        2,
      );
      if (lied) {
        add(
          first,
          servers[below(servers.length)],
          judge,
          begin + length - 4800,
          begin + length - 200,
          done,
          1,
          -1,
          2,
        );
      }
      latest = Math.max(latest, begin + length);
      continue;
    }
    add(hop, who, task, begin, begin + length, n === 5 ? running : done, n === 5 ? 0 : 1, -1, 1);
    latest = Math.max(latest, begin + length);
  }
  t.end_ms[hop] = latest + 300;
  t.end_ms[root] = latest + 520;
  if (n === 5)
    for (let i = 0; i < t.state.length; i += 1) if (t.state[i] === running) t.end_ms[i] = -1;
  if (n === 3)
    add(hop, servers[below(servers.length)], task, start + 380, start + 640, refused, 0, -1, 1);
  if (n === 4) {
    t.state[root] = failed;
    t.verified[root] = 0;
  }
  t.services = [service, `${service}/part`, `${service}/frame`];
  return t;
}

// ---- all of it --------------------------------------------------------------------------------

responses.sort((a, b) => a - b);
const mean = (all) => all.reduce((sum, x) => sum + x, 0) / all.length;
const at = (all, p) => all[Math.min(all.length - 1, Math.floor(p * all.length))];
const round = (x) => Number(x.toPrecision(6));
const spread = (all) => ({
  mean: round(mean(all)),
  p50: round(at(all, 0.5)),
  p90: round(at(all, 0.9)),
  p99: round(at(all, 0.99)),
});
const busy = servers.map((i) => hydras.busy[i] / 1000).sort((a, b) => a - b);
const hop_list = hops.flatMap((n, h) => Array(n).fill(h));
const sum = (all) => all.reduce((s, x) => s + x, 0);
const measured = {
  jobs,
  response_s: spread(responses),
  hops: spread(hop_list),
  remote_share: round(remote / jobs.completed),
  utilisation: spread(busy),
  wrong_accepted: 0,
  extra_work: 1.873,
};
const alone = {
  jobs: {
    submitted: jobs.submitted,
    completed: Math.round(jobs.submitted * 0.0291),
    failed: Math.round(jobs.submitted * 0.67),
    running: 0,
    replaced: 0,
  },
  response_s: { mean: 37.53, p50: 25.71, p90: 86.62, p99: 180.4 },
  utilisation: { mean: 0.0091, p50: 0.0003, p90: 0.021, p99: 0.049 },
};
alone.jobs.running = jobs.submitted - alone.jobs.completed - alone.jobs.failed;
const central = {
  name: 'Omniscient central scheduler',
  jobs: {
    submitted: jobs.submitted,
    completed: jobs.submitted - 402,
    failed: 0,
    running: 402,
    replaced: 1210,
  },
  response_s: { mean: 81.64, p50: 63.02, p90: 181.5, p99: 290.7 },
  hops: { mean: 1, p99: 1 },
  remote_share: 0.9991,
  utilisation: { mean: 0.602, p50: 0.61, p90: 0.74, p99: 0.931 },
  wrong_accepted: 0,
};
const summary = {
  scenario: 'planet',
  seed: 1,
  digest: '43a49343fa572b84',
  hydras: count,
  simulated_s: whole / 1000,
  events: 16687963,
  messages: sum(series.messages),
  wall_s: 11.35,
  cpu_s: 22.04,
  bytes_per_hydra: 21037.2,
  ...measured,
  honest_hurt: 0,
  interrupted: false,
  failures: [],
  extra: {
    busy_core_s: 4508861,
    wanted_core_s: 2409558,
    tasks_run: 121048,
    tasks_abandoned: 688,
    crashes: sum(series.crashed),
    forgeries_proved: 96,
    liars_banned: 71,
    honest_accused: 0,
    honest_banned: 0,
    messages_lost: 388986,
    bytes_moved: sum(series.kb) * 1000,
    bytes_of_a_hydra_at_rest: 2504,
  },
  rows: [{ name: 'Every Hydra alone', ...alone }, central],
  reproduce: 'hydra sim run planet --seed 1',
};
const data = {
  format: 'hydra-report-1',
  title: 'Planet',
  purpose:
    'Ten thousand Hydras on the real cities of the world finish an hour of jobs through ' +
    'churn, loss and a region cut off.',
  duration_ms: whole,
  summary,
  regions,
  classes,
  cities: [...cities.keys()],
  hydras,
};
if (!bare) {
  Object.assign(data, {
    down,
    places: {
      name: hubs.map((h) => h.name),
      lon: hubs.map((h) => Math.round(h.lon * 1000)),
      lat: hubs.map((h) => Math.round(h.lat * 1000)),
      region: hubs.map((h) => h.at),
    },
    flows: flat,
    series,
    response: {
      edges_ms: edges,
      counts,
      others: [
        { name: 'Every Hydra alone', counts: alone_counts },
        { name: 'Omniscient central scheduler', counts: central_counts },
      ],
    },
    hops,
    faults: [
      {
        kind: 'loss',
        name: 'everyday-loss',
        start_ms: 0,
        end_ms: whole,
        note: '1 % of all messages are lost',
      },
      {
        kind: 'lie',
        name: 'liars',
        start_ms: 180000,
        end_ms: whole,
        note: 'one server in ten, 3 min on, 2 min off',
      },
      {
        kind: 'partition',
        name: 'oceania-cut',
        start_ms: cut.from,
        end_ms: cut.to,
        regions: [oceania],
        note: 'no message crosses, in either direction',
      },
    ],
    trust,
    jobs: [0, 1, 2, 3, 4, 5].map(tree),
    settings: [
      ['hydras', count.toLocaleString('en')],
      ['duration', '1 h'],
      ['seed', '1'],
      ['world.positions', 'cities', 'weighted by population'],
      ['world.latency', 'planet', 'fitted to measured round trips between cloud regions'],
      ['services.count', '64'],
      ['services.popularity', 'zipf'],
      ['services.providers', String(servers.length), 'heads that serve; everybody asks'],
      ['services.kinds_per_provider', '3'],
      ['services.cores', '2'],
      ['workload.law', 'poisson'],
      ['workload.jobs', '66,000'],
      ['workload.service_time', '40 s'],
      ['workload.patience', '20 min'],
      ['churn.share', '1/2'],
      ['churn.uptime', 'skype06/uptime/weibull'],
      ['trust.friends', '8'],
      ['verify.strangers', '1', 'repeat on a second principal, a third judges'],
      ['verify.friends', '1/10'],
      ['routing.refresh', '10 min'],
    ],
    versions: [
      ['hydra', '0.1.0'],
      ['compiler', 'g++ 12.2.0, -O3'],
      ['report format', '1'],
    ],
    files: [
      { name: 'jobs.csv', what: 'one row for each job', bytes: 4812044 },
      { name: 'run.sqlite', what: 'jobs, tasks and receipts, to be queried', bytes: 18350080 },
      { name: 'trace.ndjson', what: 'what happened, event by event', bytes: 73400320 },
      { name: 'manifest.json', what: 'where these files come from', bytes: 1804 },
    ],
  });
}

mkdirSync(out, { recursive: true });
const inside = JSON.stringify(data).replace(/</g, '\\u003c');
writeFileSync(join(out, 'data.json'), inside);
writeFileSync(join(out, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
const template = readFileSync(join(here, '../dist/report_template.html'), 'utf8');
const block = `<script type="application/json" id="hydra-data">${inside}</script>`;
const page = template.split('<!--HYDRA_DATA-->').join(block);
writeFileSync(join(out, 'report.html'), page);
console.log(`data ${inside.length} characters, page ${Buffer.byteLength(page)} bytes`);
