// The charts below the map. Each is a figure: a heading, the picture, its words, its table.
import * as echarts from 'echarts/core';
import { BarChart, LineChart } from 'echarts/charts';
import {
  GridComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
} from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';
import { cut_name, cuts, duration, hydras, run, summary } from './data.js';
import {
  amount,
  bytes,
  clock,
  css,
  digits,
  el,
  grouped,
  percent,
  plural,
  seconds,
  short,
  span,
  table,
} from './words.js';

echarts.use([
  BarChart,
  LineChart,
  GridComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
  SVGRenderer,
]);

export const made = [];
const font = 'Inter, system-ui, sans-serif';

// ---- what all of them share -------------------------------------------------------------------

const label = (more = {}) => ({ color: css('soft'), fontFamily: font, fontSize: 11.5, ...more });
const axis = (more = {}) => ({
  axisLine: { show: false },
  axisTick: { show: false },
  splitLine: { lineStyle: { color: css('line'), width: 1 } },
  axisLabel: label(more.axisLabel),
  ...Object.fromEntries(Object.entries(more).filter(([k]) => k !== 'axisLabel')),
});

// Round minutes (or seconds, or hours), at most `most` of them.
function beat(most) {
  const steps = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400,
  ];
  return (steps.find((s) => duration / 1000 / s <= most) || 86400) * 1000;
}
const time_axis = (wide, few = 5) =>
  axis({
    type: 'value',
    min: 0,
    max: duration,
    interval: beat(wide ? 8 : few),
    splitLine: { show: false },
    axisLine: { show: true, lineStyle: { color: css('rule') } },
    axisTick: { show: true, length: 4, lineStyle: { color: css('rule') } },
    axisLabel: {
      formatter: clock,
      hideOverlap: true,
      showMaxLabel: duration % beat(wide ? 8 : few) === 0,
      alignMinLabel: 'left',
      alignMaxLabel: 'right',
    },
  });
const value_axis = (format, more = {}) =>
  axis({
    type: 'value',
    splitNumber: 4,
    ...more,
    axisLabel: { formatter: format, inside: false, ...more.axisLabel },
  });
// Room for every label is measured, not guessed.
const grid = (more = {}) => ({
  left: 4,
  right: 14,
  top: 26,
  bottom: 4,
  containLabel: true,
  ...more,
});
const tooltip = (words) => ({
  trigger: 'axis',
  confine: true,
  renderMode: 'html',
  backgroundColor: css('card'),
  borderColor: css('rule'),
  borderWidth: 1,
  padding: [8, 11],
  textStyle: { color: css('ink'), fontFamily: font, fontSize: 12.5 },
  axisPointer: { type: 'line', lineStyle: { color: css('soft'), type: 'solid', width: 1 } },
  formatter: (all) => words(Array.isArray(all) ? all : [all]),
});
function box(head, pairs) {
  return el(
    'div',
    {},
    el('div', { class: 'soft' }, head),
    pairs
      .filter(Boolean)
      .map(([tone, name, x]) =>
        el(
          'div',
          { class: 'pair' },
          el('span', {}, tone && el('i', { class: 'dot', style: `background:${tone}` }), name),
          el('b', {}, x),
        ),
      ),
  );
}
const line = (name, tone, data, more = {}) => ({
  type: 'line',
  name,
  data,
  showSymbol: false,
  lineStyle: { color: css(tone), width: 2 },
  itemStyle: { color: css(tone) },
  color: css(tone),
  emphasis: { disabled: true },
  animation: false,
  ...more,
});
// The name of a line at its end, in its colour, instead of a legend.
const ends = (tone, name) => ({
  endLabel: {
    show: true,
    formatter: name,
    color: css(tone),
    fontFamily: font,
    fontSize: 12,
    fontWeight: 600,
    distance: 6,
  },
});

function shaded(wide) {
  if (cuts.length === 0) return {};
  return {
    markArea: {
      silent: true,
      itemStyle: { color: css('cut-wash') },
      label: {
        show: true,
        position: 'insideTop',
        distance: 5,
        color: css('cut'),
        fontFamily: font,
        fontSize: 11,
        fontWeight: 600,
      },
      data: cuts.map((c) => [
        { xAxis: c.start_ms, name: wide ? `${cut_name(c)} cut` : 'cut' },
        { xAxis: c.end_ms },
      ]),
    },
  };
}

// figure({id, title, sub, height, option(wide), words, table}): the option is asked again whenever
// the theme or the width changes.
export function figure(what) {
  const picture = el('div', {
    class: 'chart',
    role: 'img',
    id: `chart-${what.id}`,
    tabindex: '0',
    'aria-label': `${what.title}. ${what.words}`,
    style: `height:${what.height || 250}px`,
  });
  const whole = el(
    'figure',
    { class: `figure ${what.wide ? 'wide' : ''}`, id: what.id },
    el('figcaption', {}, el('h3', {}, what.title), el('p', { class: 'sub' }, what.sub)),
    what.key &&
      el(
        'p',
        { class: 'key' },
        what.key.map(([tone, name, dashed]) =>
          el(
            'span',
            {},
            el('i', { class: dashed ? 'stroke dashed' : 'stroke', style: `color:var(--${tone})` }),
            name,
          ),
        ),
      ),
    picture,
    el(
      'details',
      { class: 'numbers' },
      el('summary', {}, 'In words and numbers'),
      el('p', {}, what.words),
      what.table && what.table(),
    ),
  );
  made.push({ id: what.id, picture, what, chart: null });
  return whole;
}

export function draw(all = made) {
  for (const one of all) {
    if (!one.picture.isConnected || one.picture.clientWidth === 0) continue;
    if (!one.chart) {
      one.chart = echarts.init(one.picture, null, { renderer: 'svg' });
      new ResizeObserver(() => {
        if (Math.abs(one.picture.clientWidth - one.chart.getWidth()) > 1) draw([one]);
      }).observe(one.picture);
    }
    one.chart.resize();
    const wide = one.picture.clientWidth > 440;
    one.chart.setOption({ animation: false, ...one.what.option(wide) }, { notMerge: true });
  }
}

// ---- over time --------------------------------------------------------------------------------

const s = run.series;
const ms = s && s.bucket_ms;
const per_minute = ms ? 60000 / ms : 1;
// A count of a bucket stands in its middle, a level at its end.
const counted = (name, times = per_minute) =>
  (s[name] || []).map((y, i) => [Math.min(duration, (i + 0.5) * ms), y * times]);
const level = (name) => (s[name] || []).map((y, i) => [Math.min(duration, (i + 1) * ms), y]);
// Counts over `wide` buckets together, so that chance does not hide the shape.
function together(name, times = 1) {
  const all = s[name] || [];
  const width = Math.max(1, Math.round(60000 / ms));
  const out = [];
  for (let i = 0; i < all.length; i += width) {
    const part = all.slice(i, i + width);
    const length = part.length * ms;
    out.push([
      Math.min(duration, i * ms + length / 2),
      (part.reduce((a, b) => a + b, 0) * times * 60000) / length,
    ]);
  }
  return out;
}
const peak = (points) => points.reduce((a, b) => (b[1] > a[1] ? b : a), [0, 0]);
const total = (name) => (s[name] || []).reduce((a, b) => a + b, 0);
const cut_words = () =>
  cuts
    .map((c) => ` ${cut_name(c)} was cut off from ${clock(c.start_ms)} to ${clock(c.end_ms)}.`)
    .join('');
const every = (points, n) =>
  points.filter((_, i) => i % Math.max(1, Math.ceil(points.length / n)) === 0);

export function in_flight() {
  if (!s || !s.in_flight) return null;
  const points = level('in_flight');
  const top = peak(points);
  return figure({
    id: 'in-flight',
    title: 'Jobs in flight',
    sub: 'submitted and not yet finished',
    words:
      `At most ${grouped(top[1])} jobs were in flight, at ${clock(top[0])}; ` +
      `${grouped(points[points.length - 1][1])} when the run ended.${cut_words()}`,
    table: () =>
      table(
        'Jobs in flight',
        ['Time', 'Jobs'],
        every(points, 24).map(([t, y]) => [clock(t), grouped(y)]),
      ),
    option: (wide) => ({
      grid: grid(),
      xAxis: time_axis(wide),
      yAxis: value_axis(short),
      tooltip: tooltip((a) =>
        box(clock(a[0].value[0]), [[css('ink'), 'in flight', grouped(a[0].value[1])]]),
      ),
      series: [
        line('in flight', 'ink', points, {
          areaStyle: { color: css('ink'), opacity: 0.07 },
          lineStyle: { color: css('ink'), width: 1.8 },
          ...shaded(wide),
        }),
      ],
    }),
  });
}

export function finished() {
  if (!s || !s.completed) return null;
  const names = [
    ['submitted', 'soft', 'Submitted', true],
    ['completed', 'head', 'Completed'],
    ['failed', 'liar', 'Failed'],
    ['replaced', 'amber', 'Placed again'],
  ].filter(([n]) => s[n]);
  return figure({
    id: 'finished',
    title: 'Jobs per minute',
    sub: 'submitted, completed, failed, placed again',
    key: names.map(([, tone, name, dashed]) => [tone, name, dashed]),
    words:
      `${names.map(([n, , word]) => `${word} in all: ${grouped(total(n))}`).join('; ')}.` +
      `${cut_words()}`,
    table: () =>
      table(
        'Jobs per minute',
        ['Time', ...names.map(([, , word]) => word)],
        every(together('completed'), 30).map(([t]) => [
          clock(t),
          ...names.map(([n]) => grouped((together(n).find(([u]) => u === t) || [0, 0])[1])),
        ]),
      ),
    option: (wide) => ({
      grid: grid(),
      xAxis: time_axis(wide),
      yAxis: value_axis(short),
      tooltip: tooltip((a) =>
        box(
          `minute around ${clock(a[0].value[0])}`,
          a.map((x) => [x.color, x.seriesName, grouped(x.value[1])]),
        ),
      ),
      series: names.map(([n, tone, word, dashed], i) =>
        line(word, tone, together(n), {
          lineStyle: { color: css(tone), width: dashed ? 1.5 : 2, type: dashed ? [4, 3] : 'solid' },
          z: dashed ? 1 : 2,
          ...(i === 0 ? shaded(wide) : {}),
        }),
      ),
    }),
  });
}

export function traffic(name, id, title, unit, times) {
  if (!s || !s[name] || total(name) === 0) return null;
  const points = together(name, times);
  const show = unit === 'B' ? bytes : short;
  const top = peak(points);
  const all = total(name) * times;
  return figure({
    id,
    title,
    sub: unit === 'B' ? 'moved per minute, all Hydras' : 'sent per minute, all Hydras',
    height: 200,
    words:
      `${unit === 'B' ? bytes(all) : `${amount(all)} messages`} in all; ` +
      `at most ${show(top[1])} a minute, around ${clock(top[0])}.${cut_words()}`,
    table: () =>
      table(
        title,
        ['Time', unit === 'B' ? 'Moved per minute' : 'Messages per minute'],
        every(points, 24).map(([t, y]) => [clock(t), unit === 'B' ? bytes(y) : grouped(y)]),
      ),
    option: (wide) => ({
      grid: grid(),
      xAxis: time_axis(wide),
      yAxis: value_axis((x) => (x === 0 ? '0' : show(x)), { splitNumber: 3 }),
      tooltip: tooltip((a) =>
        box(`minute around ${clock(a[0].value[0])}`, [
          [
            css('flow'),
            title.toLowerCase(),
            unit === 'B' ? bytes(a[0].value[1]) : grouped(a[0].value[1]),
          ],
        ]),
      ),
      series: [
        line(title, 'flow', points, {
          areaStyle: { color: css('flow'), opacity: 0.1 },
          ...shaded(wide),
        }),
      ],
    }),
  });
}

// ---- response time ----------------------------------------------------------------------------

const r = run.response;
const tick = (x) =>
  x < 1
    ? `${digits(x * 1000)} ms`
    : x < 60
      ? `${digits(x)} s`
      : x < 3600
        ? `${digits(x / 60)} min`
        : `${digits(x / 3600)} h`;
const sum = (all) => all.reduce((a, b) => a + b, 0);
function log_ticks(low, high) {
  return [0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 36000, 86400].filter(
    (t) => t >= low && t <= high,
  );
}
function ladder(all) {
  // The few at the ends, less than one in 5,000, would take half of the picture.
  const rare = (i) => all.every((c) => (c[i] || 0) < sum(c) / 5000);
  let from = 0;
  let to = r.counts.length - 1;
  while (from < to && rare(from)) from += 1;
  while (to > from && rare(to)) to -= 1;
  const least = Math.max(r.edges_ms[from], r.edges_ms[from + 1] / 1.4, 1);
  return {
    from,
    to,
    low: Math.log10(least / 1000),
    high: Math.log10(r.edges_ms[to + 1] / 1000),
    left: (i) => Math.log10(Math.max(least, r.edges_ms[i]) / 1000),
    right: (i) => Math.log10(r.edges_ms[i + 1] / 1000),
  };
}
const log_axis = (l, wide) => {
  const at = log_ticks(10 ** l.low, 10 ** l.high).filter(
    (t) => wide || ![0.001, 0.01, 0.1].includes(t) || l.high - l.low < 4,
  );
  return axis({
    type: 'value',
    min: l.low,
    max: l.high,
    splitLine: { show: false },
    axisLine: { show: true, lineStyle: { color: css('rule') } },
    axisTick: {
      show: true,
      length: 4,
      customValues: at.map(Math.log10),
      lineStyle: { color: css('rule') },
    },
    axisLabel: {
      customValues: at.map(Math.log10),
      formatter: (x) => tick(Number((10 ** x).toPrecision(3))),
    },
  });
};
function marks(wide) {
  const q = summary.response_s || {};
  const named = [
    ['p50', 'median'],
    ['p90', 'p90'],
    ['p99', 'p99'],
  ].filter(([k]) => q[k] > 0);
  return {
    markLine: {
      silent: true,
      symbol: 'none',
      data: named.map(([k, word], i) => ({
        xAxis: Math.log10(q[k]),
        lineStyle: { color: css('ink'), type: 'solid', width: 1, opacity: 0.55 },
        label: {
          formatter: wide ? `${word} ${seconds(q[k])}` : word,
          position: 'end',
          distance: [0, 4],
          align: i === named.length - 1 && wide ? 'left' : i === 0 ? 'right' : 'center',
          color: css('ink'),
          fontFamily: font,
          fontSize: 11,
        },
      })),
    },
  };
}

export function response_histogram() {
  if (!r || sum(r.counts) === 0) return null;
  const l = ladder([r.counts]);
  const all = sum(r.counts);
  const q = summary.response_s || {};
  const bars = [];
  for (let i = l.from; i <= l.to; i += 1)
    bars.push([(l.left(i) + l.right(i)) / 2, r.counts[i] / all, l.left(i), l.right(i), i]);
  const width = (w) => Math.max(2, (w / (l.to - l.from + 1)) * 0.86);
  return figure({
    id: 'response',
    title: 'How long people waited',
    sub: 'share of completed jobs by response time, logarithmic',
    words:
      `Half of the jobs were done within ${seconds(q.p50)}, nine in ten within ` +
      `${seconds(q.p90)}, 99 of 100 within ${seconds(q.p99)}; the mean is ${seconds(q.mean)}.`,
    table: () =>
      table(
        'Response time',
        ['From', 'To', 'Jobs'],
        bars.map((b) => [
          tick(r.edges_ms[b[4]] / 1000),
          tick(r.edges_ms[b[4] + 1] / 1000),
          grouped(r.counts[b[4]]),
        ]),
      ),
    option: (wide) => ({
      grid: grid({ top: 30 }),
      xAxis: log_axis(l, wide),
      yAxis: value_axis((x) => `${digits(x * 100)} %`, { splitNumber: 3 }),
      tooltip: {
        ...tooltip((a) => {
          const b = a[0].value;
          return box(`${span(r.edges_ms[b[4]])} to ${span(r.edges_ms[b[4] + 1])}`, [
            [null, 'jobs', grouped(r.counts[b[4]])],
            [null, 'share', percent(b[1])],
          ]);
        }),
        axisPointer: { type: 'none' },
      },
      series: [
        {
          type: 'bar',
          data: bars,
          barWidth: width(wide ? 460 : 270),
          animation: false,
          itemStyle: { color: css('head') },
          emphasis: { disabled: true },
          ...marks(wide),
        },
      ],
    }),
  });
}

export function response_shares() {
  if (!r || sum(r.counts) === 0) return null;
  const l = ladder([r.counts, ...(r.others || []).map((o) => o.counts)]);
  const rows = [{ name: 'Hydra', counts: r.counts, of: (summary.jobs || {}).submitted }].concat(
    (r.others || []).map((o) => ({
      ...o,
      of: (((summary.rows || []).find((x) => x.name === o.name) || {}).jobs || {}).submitted,
    })),
  );
  const tones = ['head', 'liar', 'amber', 'phone'];
  const curve = (row) => {
    let at = 0;
    const scale = row.of
      ? (row === rows[0]
          ? summary.jobs.completed
          : summary.rows.find((x) => x.name === row.name).jobs.completed) /
        sum(row.counts) /
        row.of
      : 1 / sum(row.counts);
    return [[l.low, 0]].concat(
      row.counts.slice(l.from, l.to + 1).map((n, i) => {
        at += n * scale;
        return [l.right(l.from + i), at];
      }),
    );
  };
  const curves = rows.map(curve);
  const within = (c, t) => (c.find(([x]) => x >= Math.log10(t)) || c[c.length - 1])[1];
  return figure({
    id: 'shares',
    title: 'How many were done by when',
    sub: 'completed so far, share of submitted jobs',
    key: rows.map((row, i) => [tones[i % 4], row.name]),
    words:
      rows
        .map(
          (row, i) =>
            `${row.name}: ${percent(within(curves[i], 60))} within a minute, ` +
            `${percent(within(curves[i], 300))} within five, ` +
            `${percent(curves[i][curves[i].length - 1][1])} in the end`,
        )
        .join('; ') + '.',
    table: () =>
      table(
        'Done by when, share of submitted',
        ['Within', ...rows.map((x) => x.name)],
        [10, 30, 60, 120, 300, 600, 1200].map((t) => [
          tick(t),
          ...curves.map((c) => percent(within(c, t))),
        ]),
      ),
    option: (wide) => ({
      grid: grid({ top: 14 }),
      xAxis: log_axis(l, wide),
      yAxis: value_axis((x) => `${Math.round(x * 100)} %`, { min: 0, max: 1, interval: 0.25 }),
      tooltip: tooltip((a) =>
        box(
          `within ${span(1000 * 10 ** a[0].value[0])}`,
          a.map((x) => [x.color, x.seriesName, percent(x.value[1])]),
        ),
      ),
      series: rows.map((row, i) =>
        line(row.name, tones[i % 4], curves[i], {
          z: rows.length - i,
          lineStyle: { color: css(tones[i % 4]), width: i === 0 ? 2.6 : 1.8 },
        }),
      ),
    }),
  });
}

// ---- utilisation and hops ---------------------------------------------------------------------

export function utilisation() {
  const busy = hydras.busy.filter((x) => x >= 0).sort((a, b) => a - b);
  if (busy.length < 2) return null;
  const n = Math.min(busy.length, 400);
  const points = Array.from({ length: n }, (_, i) => {
    const at = Math.round((i / (n - 1)) * (busy.length - 1));
    return [i / (n - 1), busy[at] / 1000];
  });
  const u = summary.utilisation || {};
  const mark = (y, word) => ({
    yAxis: y,
    lineStyle: { color: css('ink'), type: [3, 3], width: 1, opacity: 0.6 },
    label: {
      formatter: `${word} ${percent(y)}`,
      position: 'insideStartTop',
      color: css('ink'),
      fontFamily: font,
      fontSize: 11.5,
    },
  });
  return figure({
    id: 'utilisation',
    title: 'How busy the servers were',
    sub: `core time used, ${grouped(busy.length)} Hydras that serve, idlest to busiest`,
    words:
      `On average ${percent(u.mean)} of the time of a core was used; the busiest hundredth ` +
      `${percent(u.p99)} or more, the median ${percent(points[Math.floor(n / 2)][1])}.`,
    table: () =>
      table(
        'Utilisation of those that serve',
        ['Busier than', 'Utilisation'],
        [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1].map((p) => [
          `${p * 100} % of servers`,
          percent(busy[Math.round(p * (busy.length - 1))] / 1000),
        ]),
      ),
    option: () => ({
      grid: grid({ top: 14 }),
      xAxis: axis({
        type: 'value',
        min: 0,
        max: 1,
        interval: 0.25,
        splitLine: { show: false },
        axisLine: { show: true, lineStyle: { color: css('rule') } },
        axisLabel: {
          formatter: (x) => (x === 0 ? 'idlest' : x === 1 ? 'busiest' : `${x * 100} %`),
          alignMinLabel: 'left',
          alignMaxLabel: 'right',
        },
      }),
      yAxis: value_axis((x) => `${Math.round(x * 100)} %`, { min: 0, max: 1, interval: 0.25 }),
      tooltip: tooltip((a) =>
        box(`busier than ${digits(a[0].value[0] * 100)} % of servers`, [
          [css('head'), 'utilisation', percent(a[0].value[1])],
        ]),
      ),
      series: [
        line('utilisation', 'head', points, {
          areaStyle: { color: css('head'), opacity: 0.12 },
          markLine: {
            silent: true,
            symbol: 'none',
            data: [u.mean > 0 && mark(u.mean, 'mean'), u.p99 > 0 && mark(u.p99, 'p99')].filter(
              Boolean,
            ),
          },
        }),
      ],
    }),
  });
}

export function hop_counts() {
  const h = run.hops;
  if (!h || sum(h) === 0) return null;
  const all = sum(h);
  const q = summary.hops || {};
  return figure({
    id: 'hops',
    title: 'How far a search went',
    sub: 'hops until a server was found, share of completed jobs',
    words:
      `${digits(q.mean)} hops on average, ${digits(q.p99)} at the 99th percentile. ` +
      h
        .map((n, i) => (n ? `${i}: ${percent(n / all)}` : ''))
        .filter(Boolean)
        .join(', ') +
      '.',
    table: () =>
      table(
        'Hops of completed jobs',
        ['Hops', 'Jobs', 'Share'],
        h.map((n, i) => [String(i), grouped(n), percent(n / all)]),
      ),
    option: (wide) => ({
      grid: grid({ top: 22 }),
      xAxis: axis({
        type: 'category',
        data: h.map((_, i) => String(i)),
        splitLine: { show: false },
        axisLine: { show: true, lineStyle: { color: css('rule') } },
      }),
      yAxis: value_axis((x) => `${digits(x * 100)} %`, { show: false }),
      tooltip: {
        ...tooltip((a) =>
          box(plural(a[0].dataIndex, 'hop'), [
            [null, 'jobs', grouped(h[a[0].dataIndex])],
            [null, 'share', percent(a[0].value)],
          ]),
        ),
        axisPointer: { type: 'none' },
      },
      series: [
        {
          type: 'bar',
          data: h.map((n) => n / all),
          animation: false,
          barCategoryGap: '22%',
          itemStyle: { color: css('head'), borderRadius: [2, 2, 0, 0] },
          emphasis: { disabled: true },
          label: {
            show: true,
            position: 'top',
            color: css('soft'),
            fontFamily: font,
            fontSize: wide ? 12 : 10.5,
            formatter: (x) =>
              x.value === 0
                ? ''
                : x.value < 0.001
                  ? '< 0.1 %'
                  : wide
                    ? percent(x.value)
                    : x.value < 0.005
                      ? '< 1 %'
                      : `${Math.round(x.value * 100)} %`,
          },
        },
      ],
    }),
  });
}

// ---- trust ------------------------------------------------------------------------------------

export function trust() {
  const t = run.trust;
  if (!t || !t.at_ms || t.at_ms.length === 0) return null;
  const groups = [
    ['honest', 'head', 'honest'],
    ['liars', 'liar', 'liars'],
  ].filter(([k]) => t[k]);
  const of = (k, q) => t.at_ms.map((x, i) => [x, t[k][q][i] / 1000]);
  const last = t.at_ms.length - 1;
  const word = (k, i) =>
    `median ${percent(t[k].p50[i] / 1000)}, from ${percent(t[k].p10[i] / 1000)} ` +
    `(p10) to ${percent(t[k].p90[i] / 1000)} (p90)`;
  return figure({
    id: 'trust-over-time',
    title: 'What others think of honest and of lying Hydras',
    sub: 'score, median and the band from the 10th to the 90th percentile',
    wide: true,
    height: 280,
    words: groups.map(([k, , name]) => `At the end ${name}: ${word(k, last)}`).join('; ') + '.',
    table: () =>
      table(
        'Trust',
        ['Time', ...groups.flatMap(([, , n]) => [`${n} p10`, 'p50', 'p90'])],
        t.at_ms
          .map((x, i) => [x, i])
          .filter(([, i]) => i % Math.ceil((last + 1) / 20) === 0)
          .map(([x, i]) => [
            clock(x),
            ...groups.flatMap(([k]) =>
              ['p10', 'p50', 'p90'].map((q) => percent(t[k][q][i] / 1000)),
            ),
          ]),
      ),
    option: (wide) => ({
      grid: grid({ right: 64, top: 14 }),
      xAxis: time_axis(wide, 3),
      yAxis: value_axis((x) => `${Math.round(x * 100)} %`, { min: 0, max: 1, interval: 0.25 }),
      tooltip: tooltip((a) => {
        const i = t.at_ms.indexOf(a[0].value[0]);
        return box(
          clock(a[0].value[0]),
          groups.map(([k, tone, name]) => [
            css(tone),
            name,
            `${percent(t[k].p50[i] / 1000)} ` +
              `(${digits(t[k].p10[i] / 10)} to ${percent(t[k].p90[i] / 1000)})`,
          ]),
        );
      }),
      series: groups.flatMap(([k, tone, name], g) => [
        line(`${k} low`, tone, of(k, 'p10'), {
          lineStyle: { width: 0 },
          stack: k,
          stackStrategy: 'all',
          silent: true,
          tooltip: { show: false },
        }),
        line(
          `${k} band`,
          tone,
          t.at_ms.map((x, i) => [x, (t[k].p90[i] - t[k].p10[i]) / 1000]),
          {
            lineStyle: { width: 0 },
            stack: k,
            stackStrategy: 'all',
            silent: true,
            areaStyle: { color: css(tone), opacity: 0.18 },
          },
        ),
        line(name, tone, of(k, 'p50'), { ...ends(tone, name), ...(g === 0 ? shaded(wide) : {}) }),
      ]),
    }),
  });
}

// ---- faults -----------------------------------------------------------------------------------

export function churn() {
  if (!s || !(s.crashed || s.restarted)) return null;
  const parts = [
    ['crashed', 'cut', 'Crashed', 1],
    ['restarted', 'heal', 'Came back', -1],
    ['replaced', 'amber', 'Placed again', 1],
  ].filter(([n]) => s[n]);
  const bars = parts.filter(([n]) => n !== 'replaced');
  const sums = parts.map(([n, , word]) => `${word}: ${grouped(total(n))}`);
  return figure({
    id: 'churn',
    title: 'Crashes, returns and what was placed again',
    wide: true,
    sub: 'per minute: heads that crashed (up) and came back (down), tasks placed again (line)',
    key: parts.map(([, tone, word]) => [tone, word]),
    height: 260,
    words: `In all, ${sums.join('; ').toLowerCase()}.${cut_words()}`,
    table: () =>
      table(
        'Faults per minute',
        ['Time', ...parts.map(([, , w]) => w)],
        every(together('crashed'), 30).map(([t]) => [
          clock(t),
          ...parts.map(([n]) => grouped((together(n).find(([u]) => u === t) || [0, 0])[1])),
        ]),
      ),
    option: (wide) => {
      const n = together('crashed').length;
      return {
        grid: grid(),
        xAxis: time_axis(wide),
        yAxis: value_axis((x) => grouped(Math.abs(x)), { splitNumber: 4 }),
        tooltip: {
          ...tooltip((a) =>
            box(
              `minute around ${clock(a[0].value[0])}`,
              a.map((x) => [x.color, x.seriesName, grouped(Math.abs(x.value[1]))]),
            ),
          ),
        },
        series: bars
          .map(([name, tone, word, up], i) => ({
            type: 'bar',
            name: word,
            animation: false,
            data: together(name).map(([t, y]) => [t, y * up]),
            barGap: '-100%',
            barWidth: Math.max(1.5, ((wide ? 700 : 260) / n) * 0.62),
            itemStyle: { color: css(tone), opacity: 0.85 },
            emphasis: { disabled: true },
            ...(i === 0 ? shaded(wide) : {}),
          }))
          .concat(s.replaced ? [line('Placed again', 'amber', together('replaced'))] : []),
      };
    },
  });
}
