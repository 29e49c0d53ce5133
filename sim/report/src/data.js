// The data of the run as the page uses them. What the contract calls optional may be missing.

function parsed() {
  const block = document.getElementById('hydra-data');
  if (!block) throw new Error('this is the template: no data were put in');
  return JSON.parse(block.textContent);
}

const column = (table, name) => (table && table[name]) || [];

export const run = parsed();
export const summary = run.summary || {};
export const duration = run.duration_ms || Math.round((summary.simulated_s || 0) * 1000);
export const regions = run.regions || [];

const known = {
  asker: ['Asker', 'asks, serves nobody'],
  head: ['Server', 'has heads that serve others'],
  phone: ['Phone', 'asks from the road, outbound only'],
  liar: ['Liar', 'gives wrong results now and then'],
};
export const classes = (run.classes || [{ id: 'asker' }]).map((c) => ({
  id: c.id,
  label: c.label || (known[c.id] || [c.id])[0],
  what: c.what || (known[c.id] || ['', ''])[1],
}));

// ---- Hydras -----------------------------------------------------------------------------------

export const hydras = (() => {
  const t = run.hydras || {};
  const lon = column(t, 'lon').map((x) => x / 1000);
  const lat = column(t, 'lat').map((x) => x / 1000);
  return {
    count: lon.length,
    lon,
    lat,
    class: column(t, 'class'),
    region: column(t, 'region'),
    city: column(t, 'city'),
    busy: column(t, 'busy'),
    ran: column(t, 'ran'),
    asked: column(t, 'asked'),
  };
})();
export const city = (i) => (run.cities || [])[hydras.city[i]] || '';
export const region = (i) => regions[hydras.region[i]] || '';
export const kind = (i) => classes[hydras.class[i] || 0] || classes[0];

export const down = (() => {
  const t = run.down || {};
  const [hydra, from, to] = ['hydra', 'from_ms', 'to_ms'].map((name) => column(t, name));
  return { count: hydra.length, hydra, from, to };
})();
export function off_at(ms) {
  const off = new Set();
  for (let i = 0; i < down.count; i += 1)
    if (down.from[i] <= ms && ms < down.to[i]) off.add(down.hydra[i]);
  return off;
}

// ---- faults -----------------------------------------------------------------------------------

export const faults = (run.faults || []).map((f) => ({
  ...f,
  inside: new Set(f.regions || []),
  start_ms: Math.max(0, f.start_ms || 0),
  end_ms: Math.min(duration, f.end_ms === undefined ? duration : f.end_ms),
}));
export const cuts = faults.filter((f) => f.kind === 'partition');
export const cut_name = (cut) =>
  [...cut.inside]
    .map((r) => regions[r])
    .filter(Boolean)
    .join(', ') || cut.name;

// ---- flows ------------------------------------------------------------------------------------

export const places = run.places
  ? column(run.places, 'lon').map((lon, i) => ({
      lon: lon / 1000,
      lat: run.places.lat[i] / 1000,
      name: column(run.places, 'name')[i] || '',
      region: column(run.places, 'region')[i],
    }))
  : [];

const f = run.flows;
export const step = (f && f.bucket_ms) || (run.series && run.series.bucket_ms) || 60000;
export const steps = Math.max(1, Math.ceil(duration / step));
const by_bucket = new Map();
column(f, 'bucket').forEach((b, i) => {
  const one = {
    from: f.from[i],
    to: f.to[i],
    jobs: f.jobs[i],
    bytes: (column(f, 'kb')[i] || 0) * 1000,
  };
  if (!by_bucket.has(b)) by_bucket.set(b, []);
  by_bucket.get(b).push(one);
});
export const has_flows = by_bucket.size > 0;
export const has_bytes = column(f, 'kb').some((x) => x > 0);
const largest = (name) => Math.max(1, ...[...by_bucket.values()].flat().map((x) => x[name]));
export const most = has_flows
  ? { jobs: largest('jobs'), bytes: largest('bytes') }
  : { jobs: 1, bytes: 1 };

// The cut that a bucket overlaps, if any, and the one healed shortly before.
export const cut_at = (b) =>
  cuts.find((c) => c.start_ms < Math.min((b + 1) * step, duration) && b * step < c.end_ms);
export const healing = Math.max(step, Math.min(180000, duration / 12));
export const healed_at = (b) =>
  cut_at(b)
    ? undefined
    : cuts.find(
        (c) => c.end_ms < duration && c.end_ms <= b * step && b * step < c.end_ms + healing,
      );

export function crosses(flow, cut) {
  const [a, z] = [places[flow.from], places[flow.to]];
  return cut.inside.has(a.region) !== cut.inside.has(z.region);
}

export function flows_in(b) {
  const cut = cut_at(b) || healed_at(b);
  return (by_bucket.get(b) || []).map((x) => ({ ...x, crosses: !!cut && crosses(x, cut) }));
}
export const all_jobs = (b) => column(f, 'all_jobs')[b];
