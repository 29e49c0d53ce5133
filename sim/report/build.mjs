// Bundles src/ into one page. Called by build.sh, in a folder with node_modules.
import { build } from 'esbuild';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const read = (path) => readFileSync(path, 'utf8');
const lines = (text) =>
  text
    .replace(/\r/g, '')
    .replace(/[ \t]+$/gm, '')
    .trim();

// What is inside the page, and on what terms.
const parts = [
  ['Apache ECharts', 'echarts', 'LICENSE', 'draws the map and the charts'],
  ['ZRender', 'zrender', 'LICENSE', 'the canvas below ECharts'],
  ['tslib', 'tslib', 'LICENSE.txt', 'helpers of ECharts'],
  ['topojson-client', 'topojson-client', 'LICENSE', 'unpacks the outlines'],
  ['d3-contour', 'd3-contour', 'LICENSE', 'the outline of a region cut off'],
  ['d3-array', 'd3-array', 'LICENSE', 'helpers of d3-contour'],
  [
    'world-atlas',
    'world-atlas',
    'LICENSE',
    'outlines of the countries, made from Natural Earth, which is in the public domain',
  ],
  ['Inter', '@fontsource-variable/inter', 'LICENSE', 'the letters'],
  ['Source Serif 4', '@fontsource/source-serif-4', 'LICENSE', 'the letters of headings'],
];
const rule = '-'.repeat(80);
const licences =
  ['The report page contains the following works, unchanged but for minification.']
    .concat(
      parts.map(([name, folder, file, what]) => {
        const { version } = JSON.parse(read(`node_modules/${folder}/package.json`));
        const notice =
          folder === 'echarts' ? `\n\n${lines(read('node_modules/echarts/NOTICE'))}` : '';
        const text = lines(read(`node_modules/${folder}/${file}`));
        return `${rule}\n${name} ${version}: ${what}\n${rule}\n\n${text}${notice}`;
      }),
    )
    .join('\n\n') + '\n';
writeFileSync('LICENSES.txt', licences);

// The outlines without Antarctica (id 010), where nobody computes; arcs stay shared.
const atlas = JSON.parse(read('node_modules/world-atlas/countries-110m.json'));
const { countries } = atlas.objects;
const kept = countries.geometries
  .filter((one) => one.id !== '010')
  .map(({ type, arcs, properties: { name } }) => ({ type, arcs, properties: { name } }));
const used = new Map();
const renumbered = (arcs) => (Array.isArray(arcs) ? arcs.map(renumbered) : arc(arcs));
function arc(i) {
  const at = i < 0 ? ~i : i;
  if (!used.has(at)) used.set(at, used.size);
  return i < 0 ? ~used.get(at) : used.get(at);
}
for (const one of kept) one.arcs = renumbered(one.arcs);
const world = {
  type: 'Topology',
  transform: atlas.transform,
  objects: { countries: { type: 'GeometryCollection', geometries: kept } },
  arcs: [...used.keys()].map((at) => atlas.arcs[at]),
};

const outlines = {
  name: 'outlines',
  setup(on) {
    on.onResolve({ filter: /^world:outlines$/ }, () => ({ path: 'world', namespace: 'outlines' }));
    on.onLoad({ filter: /.*/, namespace: 'outlines' }, () => ({
      contents: JSON.stringify(world),
      loader: 'json',
    }));
  },
};
const common = {
  bundle: true,
  minify: true,
  write: false,
  legalComments: 'none',
  logLevel: 'warning',
};
const script = await build({
  ...common,
  entryPoints: ['src/main.js'],
  format: 'iife',
  target: ['es2021'],
  charset: 'ascii',
  plugins: [outlines],
  define: { 'process.env.NODE_ENV': '"production"' },
});
const style = await build({
  ...common,
  entryPoints: ['src/style.css'],
  target: ['chrome109'],
  loader: { '.woff2': 'dataurl' },
});

const inline = {
  STYLE: style.outputFiles[0].text.trim(),
  SCRIPT: script.outputFiles[0].text.trim(),
  LICENCES: licences.replace(/&/g, '&amp;').replace(/</g, '&lt;').trim(),
};
const page = read('src/page.html').replace(/\{\{(\w+)\}\}/g, (_, name) => inline[name]);
const marker = '<!--HYDRA_DATA-->';
if (page.split(marker).length !== 2) throw new Error('the page must hold its marker once');
if (/(?:src|href)="?https?:/.test(page)) throw new Error('the page must not load anything');
mkdirSync('dist', { recursive: true });
writeFileSync('dist/report_template.html', page);
