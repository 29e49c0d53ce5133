// The world: Hydras where they live, flows from those who ask to those who work, and the cut.
import * as echarts from 'echarts/core';
import { CustomChart, ScatterChart } from 'echarts/charts';
import { GeoComponent } from 'echarts/components';
import { CanvasRenderer } from 'echarts/renderers';
import { feature } from 'topojson-client';
import topology from 'world:outlines';
import { outline, project, split_at_180, unproject } from './earth.js';
import {
  cut_at,
  cut_name,
  cuts,
  city,
  classes,
  flows_in,
  healed_at,
  hydras,
  kind,
  most,
  off_at,
  places,
  region,
  step,
} from './data.js';
import { bytes, css, el, grouped, percent, plural } from './words.js';

echarts.use([CustomChart, ScatterChart, GeoComponent, CanvasRenderer]);

const projection = { project, unproject };
const land = split_at_180(feature(topology, topology.objects.countries));
const frame = { north: 83.6, south: -55.9 };

// Where to look: a centre, and how many times nearer than the whole world.
export const views = [
  { name: 'World', center: [0, 25], zoom: 1 },
  { name: 'Americas', center: [-85, 14], zoom: 1.75 },
  { name: 'Europe, Africa', center: [22, 20], zoom: 1.75 },
  { name: 'Asia, Oceania', center: [116, -3], zoom: 1.75 },
];

const tones = { asker: 'asker', head: 'head', phone: 'phone', liar: 'liar' };
const spare = ['spare-a', 'spare-b', 'spare-c'];
export const tone = (at) => tones[classes[at].id] || spare[at % spare.length];
const rank = { asker: 0, phone: 1, head: 2, liar: 3 };
const drawn = classes
  .map((_, i) => i)
  .sort((a, b) => (rank[classes[a].id] ?? 1.5) - (rank[classes[b].id] ?? 1.5));

export function make_map(box) {
  echarts.registerMap('world', { geoJSON: land });
  const canvas = el('div', { class: 'canvas' });
  const tip = el('div', { class: 'tip', role: 'status', hidden: true });
  box.append(canvas, tip);
  const chart = echarts.init(canvas, null, { renderer: 'canvas' });
  const state = {
    at: 0,
    by: 'jobs',
    view: 0,
    zoom: 1,
    center: project(views[0].center),
    off: new Set(),
    hidden: new Set(),
    pixels: null,
    shown: [],
    curves: [],
    lit: -1,
  };
  const shapes = new Map();

  // ---- layout: the world fills the width; its bottom is the tip of South America --------------

  const span_x = project([180, 0])[0] * 2;
  const top = project([0, frame.north])[1];
  const bottom = project([0, frame.south])[1];
  const ratio = (bottom - top) / span_x;

  function resize() {
    const width = box.clientWidth;
    const tall = state.zoom > 1 ? Math.max(ratio, 0.62) : ratio;
    box.style.height = `${Math.round(Math.min(width * tall, window.innerHeight * 0.82))}px`;
    chart.resize({ width, height: box.clientHeight });
    draw_all();
  }

  function geo() {
    // A centre is a point of the projected plane.
    const [cx, cy] = state.zoom > 1 ? state.center : [0, (top + bottom) / 2];
    return {
      map: 'world',
      projection,
      roam: state.zoom > 1 ? 'move' : false,
      silent: true,
      layoutCenter: ['50%', '50%'],
      layoutSize: box.clientWidth,
      zoom: state.zoom * fit(),
      center: [cx, cy],
      animation: false,
      selectedMode: false,
      itemStyle: { areaColor: css('land'), borderColor: css('coast'), borderWidth: 0.6 },
      emphasis: { disabled: true },
      label: { show: false },
    };
  }
  // ECharts fits the outlines it was given; this makes the width that of the whole globe.
  let fitted = 0;
  function fit() {
    if (fitted) return fitted;
    let [least, largest] = [9, -9];
    const walk = (c) => {
      if (typeof c[0] === 'number') {
        const x = project(c)[0];
        least = Math.min(least, x);
        largest = Math.max(largest, x);
      } else c.forEach(walk);
    };
    land.features.forEach((f) => walk(f.geometry.coordinates));
    fitted = (largest - least) / span_x;
    return fitted;
  }

  const system = () => chart.getModel().getComponent('geo').coordinateSystem;
  const pixel = (lon, lat) => Array.from(system().dataToPoint([lon, lat]));

  // ---- Hydras ---------------------------------------------------------------------------------

  function size_of(id) {
    const base = box.clientWidth < 560 ? 1.2 : box.clientWidth < 900 ? 1.8 : 2.2;
    const times = { head: 1.82, liar: 2.5 }[id] || 1;
    return base * times * (state.zoom > 1 ? 1.4 : 1);
  }
  function crowds() {
    const groups = classes.map(() => []);
    const off = [];
    for (let i = 0; i < hydras.count; i += 1) {
      if (state.hidden.has(hydras.class[i] || 0)) continue;
      (state.off.has(i) ? off : groups[hydras.class[i] || 0]).push([
        hydras.lon[i],
        hydras.lat[i],
        i,
      ]);
    }
    const crowd = (id, data, color, opacity, size) => ({
      id,
      type: 'scatter',
      z: 3,
      coordinateSystem: 'geo',
      data,
      large: true,
      largeThreshold: 0,
      progressive: 0,
      silent: true,
      animation: false,
      symbolSize: size,
      itemStyle: { color, opacity },
    });
    return [crowd('off', off, css('off'), 0.55, size_of('asker'))]
      .concat(
        drawn.map((c) =>
          crowd(
            `class ${c}`,
            groups[c],
            css(tone(c)),
            classes[c].id === 'asker' ? 0.6 : 0.85,
            size_of(classes[c].id),
          ),
        ),
      )
      .filter((one) => one.data.length > 0); // an empty crowd has no layout
  }

  // What the chart really drew: the points of each crowd, as laid out.
  function drawn_pixels() {
    if (state.pixels) return state.pixels;
    const at = new Float32Array(hydras.count * 2).fill(NaN);
    for (const series of chart.getModel().getSeriesByType('scatter')) {
      const data = series.getData();
      const points = data.getLayout('points');
      for (let k = 0; k < data.count(); k += 1) {
        const i = data.get(data.dimensions[2], k);
        const p = points ? [points[2 * k], points[2 * k + 1]] : data.getItemLayout(k);
        at[2 * i] = p[0];
        at[2 * i + 1] = p[1];
      }
    }
    state.pixels = at;
    return at;
  }

  // ---- flows: thin and faint where they start, thick and strong where they arrive --------------

  function curve(a, z) {
    const [dx, dy] = [z[0] - a[0], z[1] - a[1]];
    const length = Math.hypot(dx, dy);
    const bend = Math.min(0.24, 0.1 + length / 4000);
    const up = dx >= 0 ? 1 : -1;
    const c = [(a[0] + z[0]) / 2 + up * dy * bend, (a[1] + z[1]) / 2 - up * dx * bend];
    const points = [];
    const n = Math.max(8, Math.min(36, Math.round(length / 10)));
    for (let i = 0; i <= n; i += 1) {
      const t = i / n;
      const [p, q, r] = [(1 - t) ** 2, 2 * t * (1 - t), t * t];
      points.push([p * a[0] + q * c[0] + r * z[0], p * a[1] + q * c[1] + r * z[1]]);
    }
    return points;
  }
  function ribbon(points, width) {
    const [left, right] = [[], []];
    points.forEach((p, i) => {
      const [a, z] = [points[Math.max(0, i - 1)], points[Math.min(points.length - 1, i + 1)]];
      const long = Math.hypot(z[0] - a[0], z[1] - a[1]) || 1;
      const t = i / (points.length - 1);
      const half = (width * (0.16 + 0.84 * t)) / 2;
      const [nx, ny] = [(-(z[1] - a[1]) / long) * half, ((z[0] - a[0]) / long) * half];
      left.push([p[0] + nx, p[1] + ny]);
      right.unshift([p[0] - nx, p[1] - ny]);
    });
    return left.concat(right);
  }
  const see = (color, alpha) => echarts.color.modifyAlpha(color, alpha);
  function width_of(flow) {
    const widest = box.clientWidth < 560 ? 4.2 : 7.5;
    return 0.7 + widest * Math.sqrt(flow[state.by] / most[state.by]);
  }
  function flow_colour(flow) {
    if (!flow.crosses) return css('flow');
    return cut_at(state.at) ? css('cut') : css('heal');
  }
  function flow_shape(k) {
    const flow = state.shown[k];
    const [a, z] = [places[flow.from], places[flow.to]].map((p) => pixel(p.lon, p.lat));
    const color = flow_colour(flow);
    const strong = flow.crosses ? 0.95 : 0.34 + 0.5 * Math.sqrt(flow[state.by] / most[state.by]);
    if (flow.from === flow.to) {
      const r = 1.6 + width_of(flow) * 0.95;
      state.curves[k] = { points: [a], r };
      return {
        type: 'circle',
        silent: true,
        shape: { cx: a[0], cy: a[1], r },
        style: { fill: see(color, 0.13), stroke: see(color, strong * 0.8), lineWidth: 1 },
      };
    }
    const points = curve(a, z);
    state.curves[k] = { points, r: width_of(flow) };
    const marked = flow.crosses && cut_at(state.at);
    if (marked) {
      return {
        type: 'polyline',
        silent: true,
        shape: { points },
        style: {
          fill: null,
          stroke: color,
          lineWidth: Math.max(1.2, width_of(flow) * 0.6),
          lineDash: [4, 3],
        },
      };
    }
    return {
      type: 'polygon',
      silent: true,
      shape: { points: ribbon(points, width_of(flow)) },
      style: {
        fill: {
          type: 'linear',
          global: true,
          x: a[0],
          y: a[1],
          x2: z[0],
          y2: z[1],
          colorStops: [
            { offset: 0, color: see(color, strong * 0.12) },
            { offset: 0.55, color: see(color, strong * 0.6) },
            { offset: 1, color: see(color, strong) },
          ],
        },
      },
    };
  }
  const flow_series = () => ({
    id: 'flows',
    type: 'custom',
    coordinateSystem: 'geo',
    z: 5,
    silent: true,
    animation: false,
    progressive: 0,
    data: state.shown.map((_, k) => [k]),
    renderItem: (_, api) => flow_shape(api.value(0)),
  });

  // ---- the cut --------------------------------------------------------------------------------

  function rings(cut) {
    if (!shapes.has(cut)) {
      const inside = [];
      for (let i = 0; i < hydras.count; i += 1)
        if (cut.inside.has(hydras.region[i])) inside.push([hydras.lon[i], hydras.lat[i]]);
      for (const p of places) if (cut.inside.has(p.region)) inside.push([p.lon, p.lat]);
      shapes.set(cut, outline(inside));
    }
    return shapes.get(cut);
  }
  function cut_series() {
    const now = cut_at(state.at);
    const healed = healed_at(state.at);
    const cut = now || healed;
    const color = css(now ? 'cut' : 'heal');
    const all = cut ? rings(cut) : [];
    const longest = all.reduce(
      (most_points, r) => (r.length > most_points ? r.length : most_points),
      0,
    );
    return {
      id: 'cut',
      type: 'custom',
      coordinateSystem: 'geo',
      z: 6,
      silent: true,
      animation: false,
      data: all.map((_, k) => [k]),
      renderItem: (_, api) => {
        const ring = all[api.value(0)];
        const points = ring.map(([lon, lat]) => pixel(lon, lat));
        const shape = {
          type: 'polygon',
          silent: true,
          shape: { points, smooth: 0.2 },
          style: {
            fill: see(color, now ? 0.09 : 0.06),
            stroke: color,
            lineWidth: now ? 2 : 1.6,
            lineDash: now ? [6, 4] : null,
          },
        };
        if (ring.length < longest) return shape;
        return { type: 'group', silent: true, children: [shape, label(cut, now, points, color)] };
      },
    };
  }
  function label(cut, now, points, color) {
    const xs = points.map((p) => p[0]);
    const high = Math.min(...points.map((p) => p[1]));
    const low = Math.max(...points.map((p) => p[1]));
    const x = (Math.min(...xs) + Math.max(...xs)) / 2;
    const small = box.clientWidth < 560;
    const above = high > 40;
    return {
      type: 'text',
      silent: true,
      style: {
        text: `${cut_name(cut)} ${now ? 'is cut off' : 'is back'}`,
        fill: color,
        stroke: css('paper'),
        lineWidth: 4,
        font: `600 ${small ? 11 : 13}px Inter, sans-serif`,
        align: x > box.clientWidth * 0.85 ? 'right' : 'center',
        x: Math.min(x, box.clientWidth - 8),
        y: above ? high - (small ? 16 : 20) : low + 6,
      },
    };
  }

  function draw_all() {
    state.pixels = null;
    state.curves = [];
    chart.setOption(
      {
        animation: false,
        backgroundColor: 'transparent',
        geo: geo(),
        series: [...crowds(), flow_series(), cut_series()],
      },
      { replaceMerge: ['series'] },
    );
  }

  chart.on('georoam', () => {
    const now = chart.getOption().geo[0];
    state.center = now.center;
    draw_all();
  });

  // ---- pointing -------------------------------------------------------------------------------

  function nearest_hydra(x, y) {
    const at = drawn_pixels();
    let [best, found] = [81, -1];
    for (let i = 0; i < hydras.count; i += 1) {
      const d = (at[2 * i] - x) ** 2 + (at[2 * i + 1] - y) ** 2;
      // The rarer class wins where they stand on each other.
      const given = d - ({ liar: 6, head: 3 }[kind(i).id] || 0);
      if (given < best) {
        best = given;
        found = i;
      }
    }
    return found;
  }
  function nearest_flow(x, y) {
    let [best, found] = [7, -1];
    state.curves.forEach((c, k) => {
      for (const [i, p] of c.points.entries()) {
        const q = c.points[i + 1] || p;
        const [dx, dy] = [q[0] - p[0], q[1] - p[1]];
        const t = Math.max(
          0,
          Math.min(1, ((x - p[0]) * dx + (y - p[1]) * dy) / (dx * dx + dy * dy || 1)),
        );
        const d = Math.hypot(p[0] + t * dx - x, p[1] + t * dy - y) - c.r / 2;
        if (d < best) {
          best = d;
          found = k;
        }
      }
    });
    return found;
  }
  const line = (name, value) =>
    el('div', { class: 'pair' }, el('span', {}, name), el('b', {}, value));
  function about_hydra(i) {
    const where = [city(i), region(i)].filter(Boolean).join(', ');
    const off = state.off.has(i);
    return [
      el('strong', {}, `Hydra ${grouped(i)}`),
      el('div', { class: 'soft' }, where),
      line('is', `${kind(i).label}${off ? ', off now' : ''}`),
      hydras.busy[i] >= 0 && line('utilisation', percent(hydras.busy[i] / 1000)),
      hydras.ran[i] > 0 && line('ran', plural(hydras.ran[i], 'task')),
      hydras.asked[i] > 0 && line('asked for', plural(hydras.asked[i], 'job')),
    ];
  }
  function about_flow(k) {
    const x = state.shown[k];
    const [a, z] = [places[x.from].name, places[x.to].name];
    return [
      el('strong', {}, a === z ? `within ${a}` : `${a} → ${z}`),
      line('jobs', grouped(x.jobs)),
      x.bytes > 0 && line('moved', bytes(x.bytes)),
      x.crosses && cut_at(state.at) && el('div', { class: 'cut-word' }, 'crosses the cut'),
    ];
  }
  function show_tip(words, x, y) {
    tip.replaceChildren(...words.filter(Boolean));
    tip.hidden = false;
    const [w, h] = [tip.offsetWidth, tip.offsetHeight];
    const left = x + 14 + w > box.clientWidth ? x - 14 - w : x + 14;
    tip.style.left = `${Math.max(0, Math.min(left, box.clientWidth - w))}px`;
    tip.style.top = `${Math.max(0, Math.min(y - h / 2, box.clientHeight - h))}px`;
  }
  function point(event) {
    const at = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - at.left, event.clientY - at.top];
    const f = nearest_flow(x, y);
    const near = f >= 0 && state.curves[f].points.length > 1 ? -1 : nearest_hydra(x, y);
    if (near >= 0) show_tip(about_hydra(near), x, y);
    else if (f >= 0) show_tip(about_flow(f), x, y);
    else tip.hidden = true;
  }
  box.addEventListener('pointermove', point);
  box.addEventListener('pointerdown', point);
  box.addEventListener('pointerleave', () => {
    tip.hidden = true;
  });

  new ResizeObserver(() => {
    if (Math.abs(box.clientWidth - chart.getWidth()) > 1) resize();
  }).observe(box);

  return {
    chart,
    canvas,
    state,
    cuts,
    pixel,
    resize,
    draw: draw_all,
    frame,
    shown: () => state.shown,
    pixel_of: (i) => {
      const at = drawn_pixels();
      return [at[2 * i], at[2 * i + 1]];
    },
    cut_shape: () => {
      const c = cut_at(state.at);
      return c ? rings(c) : [];
    },
    at(bucket) {
      state.at = bucket;
      state.off = off_at((bucket + 0.5) * step);
      state.shown = flows_in(bucket);
      tip.hidden = true;
      draw_all();
    },
    by(what) {
      state.by = what;
      draw_all();
    },
    look(k) {
      Object.assign(state, { view: k, zoom: views[k].zoom, center: project(views[k].center) });
      resize();
    },
    nearer(times) {
      state.zoom = Math.max(1, Math.min(12, state.zoom * times));
      if (state.zoom === 1) state.center = project(views[0].center);
      resize();
    },
    toggle(c) {
      if (state.hidden.has(c)) state.hidden.delete(c);
      else state.hidden.add(c);
      draw_all();
    },
  };
}
