// The Equal Earth projection (Šavrič, Patterson, Jenny 2018): areas are true, so that a crowd of
// Hydras is as dense as it looks. And the outline around some of them.
import { contours } from 'd3-contour';

const [a1, a2, a3, a4] = [1.340264, -0.081106, 0.000893, 0.003796];
const m = Math.sqrt(3) / 2;
const rad = Math.PI / 180;

// North is up, and a screen counts downwards.
export function project([lon, lat]) {
  const t = Math.asin(m * Math.sin(lat * rad));
  const t2 = t * t;
  const t6 = t2 * t2 * t2;
  const x = (lon * rad * Math.cos(t)) / (m * (a1 + 3 * a2 * t2 + t6 * (7 * a3 + 9 * a4 * t2)));
  return [x, -t * (a1 + a2 * t2 + t6 * (a3 + a4 * t2))];
}

export function unproject([x, down]) {
  const y = -down;
  let t = y;
  for (let i = 0; i < 12; i += 1) {
    const t2 = t * t;
    const t6 = t2 * t2 * t2;
    const f = t * (a1 + a2 * t2 + t6 * (a3 + a4 * t2)) - y;
    const slope = a1 + 3 * a2 * t2 + t6 * (7 * a3 + 9 * a4 * t2);
    const step = f / slope;
    t -= step;
    if (Math.abs(step) < 1e-12) break;
  }
  const t2 = t * t;
  const t6 = t2 * t2 * t2;
  const s = Math.max(-1, Math.min(1, Math.sin(t) / m));
  return [
    (m * x * (a1 + 3 * a2 * t2 + t6 * (7 * a3 + 9 * a4 * t2))) / Math.cos(t) / rad,
    Math.asin(s) / rad,
  ];
}

// ---- the outline of a region: its Hydras grown together, then shrunk to a margin ---------------

const far = 1e12;

// Squared distance to the nearest zero along one line (Felzenszwalb, Huttenlocher 2012).
function along(f, n) {
  const d = new Float64Array(n);
  const v = new Int32Array(n);
  const z = new Float64Array(n + 1);
  let k = 0;
  z[0] = -far;
  z[1] = far;
  const meet = (p, q) => (f[p] + p * p - f[q] - q * q) / (2 * p - 2 * q);
  for (let q = 1; q < n; q += 1) {
    let s = meet(q, v[k]);
    while (s <= z[k]) {
      k -= 1;
      s = meet(q, v[k]);
    }
    k += 1;
    v[k] = q;
    z[k] = s;
    z[k + 1] = far;
  }
  k = 0;
  for (let q = 0; q < n; q += 1) {
    while (z[k + 1] < q) k += 1;
    d[q] = (q - v[k]) ** 2 + f[v[k]];
  }
  return d;
}

function distances(inside, w, h) {
  const out = new Float64Array(w * h);
  const column = new Float64Array(h);
  for (let x = 0; x < w; x += 1) {
    for (let y = 0; y < h; y += 1) column[y] = inside[y * w + x] ? 0 : 1e9;
    along(column, h).forEach((d, y) => {
      out[y * w + x] = d;
    });
  }
  for (let y = 0; y < h; y += 1)
    along(out.subarray(y * w, (y + 1) * w), w).forEach((d, x) => {
      out[y * w + x] = d;
    });
  return out.map(Math.sqrt);
}

// Each point becomes the mean of those around it on the ring: no corners where none are meant.
function rounded(ring, reach) {
  const n = ring.length - 1;
  const whole = ring.slice(0, n);
  const soft = whole.map((_, i) => {
    let [x, y] = [0, 0];
    for (let k = -reach; k <= reach; k += 1) {
      const p = whole[(i + k + n * reach) % n];
      x += p[0];
      y += p[1];
    }
    return [x / (2 * reach + 1), y / (2 * reach + 1)];
  });
  return soft.concat([soft[0]]);
}

// Rings of [lon, lat] around the points; each array a closed line.
export function outline(points, margin = 0.06, reach = 0.27) {
  const cell = 0.0125;
  const edge = Math.ceil(reach / cell) + 2;
  const [w, h] = [Math.ceil(5.42 / cell) + 2 * edge, Math.ceil(2.64 / cell) + 2 * edge];
  const [left, top] = [-2.71 - edge * cell, -1.32 - edge * cell];
  const there = new Uint8Array(w * h);
  for (const p of points) {
    const [x, y] = project(p);
    const at = [Math.round((x - left) / cell), Math.round((y - top) / cell)];
    if (at[0] >= 0 && at[0] < w && at[1] >= 0 && at[1] < h) there[at[1] * w + at[0]] = 1;
  }
  const near = distances(there, w, h);
  const outside = distances(
    near.map((d) => (d * cell > reach ? 1 : 0)),
    w,
    h,
  );
  const shape = contours()
    .size([w, h])
    .smooth(true)
    .thresholds([reach - margin])(outside.map((d) => d * cell))[0];
  return shape.coordinates
    .flat()
    .filter((ring) => ring.length > 6)
    .map((ring) =>
      rounded(rounded(ring, 3), 3).map(([x, y]) =>
        unproject([
          Math.max(-2.7, Math.min(2.7, left + (x - 0.5) * cell)),
          Math.max(-1.31, Math.min(1.31, top + (y - 0.5) * cell)),
        ]),
      ),
    );
}

// ---- outlines that pass the 180th meridian are cut there, or they would cross the whole map -----

// The part of a ring on one side of a meridian (Sutherland, Hodgman 1974).
function side(ring, meridian, keep_west) {
  const inside = ([lon]) => (keep_west ? lon <= meridian : lon >= meridian);
  const out = [];
  ring.forEach((b, i) => {
    const a = ring[(i + ring.length - 1) % ring.length];
    if (inside(a) !== inside(b)) {
      const t = (meridian - a[0]) / (b[0] - a[0]);
      out.push([meridian, a[1] + t * (b[1] - a[1])]);
    }
    if (inside(b)) out.push(b);
  });
  return out;
}
function halves(ring) {
  if (!ring.some((p, i) => i > 0 && Math.abs(p[0] - ring[i - 1][0]) > 180)) return [ring];
  let turn = 0;
  const whole = ring.map((p, i) => {
    const step = i > 0 ? p[0] - ring[i - 1][0] : 0;
    turn += step > 180 ? -360 : step < -180 ? 360 : 0;
    return [p[0] + turn, p[1]];
  });
  return [-360, 0, 360]
    .map((by) => {
      const kept = side(side(whole, -180 + by, false), 180 + by, true).map(([x, y]) => [x - by, y]);
      return kept.length ? kept.concat([kept[0]]) : kept;
    })
    .filter((part) => part.length > 3);
}
// Polygons that pass it are without holes.
export function split_at_180(collection) {
  for (const { geometry } of collection.features) {
    const all = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
    geometry.type = 'MultiPolygon';
    geometry.coordinates = all.flatMap((polygon) => {
      const parts = halves(polygon[0]);
      return parts.length === 1 ? [polygon] : parts.map((ring) => [ring]);
    });
  }
  return collection;
}
