// The layers of the design (README, "How it is built"): a module imports what stands left of it, never back, and peers of one
// level leave each other alone.
//
//   base <- config, metrics, protocol <- native <- network, log, zookeeper, security, quotas
//        <- replication, coordinator, controller <- server <- admin, cli
const levels = [
  ['base'],
  ['config', 'metrics', 'protocol'],
  ['native'],
  ['network', 'log', 'zookeeper', 'security', 'quotas'],
  ['replication', 'coordinator', 'controller'],
  ['server'],
  ['admin', 'cli'],
];

const within = folders => `^src/(${folders.join('|')})/`;

const upward = levels.slice(0, -1).map((folders, level) => ({
  name: `${folders.join('-')}-imports-nothing-above`,
  severity: 'error',
  from: { path: within(folders) },
  to: { path: within(levels.slice(level + 1).flat()) },
}));

const peers = levels.flatMap(folders => folders.length < 2 ? [] : folders.map(folder => ({
  name: `${folder}-leaves-its-peers-alone`,
  severity: 'error',
  from: { path: within([folder]) },
  to: { path: within(folders.filter(other => other !== folder)) },
})));

module.exports = {
  forbidden: [
    ...upward,
    ...peers,
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'only-the-loader-loads-the-addon', severity: 'error', from: { pathNot: '^src/native/addon' }, to: { path: '\\.node$' } },
    { name: 'client-speaks-only-the-protocol', severity: 'error', from: { path: '^src/client/' }, to: { path: '^src/', pathNot: '^src/(client|base|protocol|security/sasl)/' } },
  ],
  options: { tsConfig: { fileName: 'tsconfig.json' }, tsPreCompilationDeps: true, doNotFollow: { path: 'node_modules' } },
};
