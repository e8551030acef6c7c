// What one key's definition cannot say: relations between settings, and settings that this version must not pass over in
// silence because somebody's safety hangs on them.
import type { ConfigProblem } from './problem.js';
import type { SettingsView } from './settings.js';

type Check = (settings: SettingsView) => ConfigProblem | undefined;

/** `broken` tells what is wrong, or nothing; it is not asked while a value it needs is itself a mistake. */
function rule(key: string, broken: (settings: SettingsView) => string | false): Check {
  return settings => {
    const message = broken(settings);
    return message === false ? undefined : { key, message };
  };
}

const checks: readonly Check[] = [
  rule('broker.id', s => s.isSet('broker.id') && s.isSet('node.id') && s.number('broker.id') !== s.number('node.id')
    && `${s.number('broker.id')} differs from node.id, which is ${s.number('node.id')}`),
  rule('broker.id', s => {
    const [id, reserved] = [s.number('broker.id'), s.number('reserved.broker.max.id')];
    if (!s.boolean('broker.id.generation.enable')) return id < 0 && 'must be set and not negative, for broker.id.generation.enable is false';
    return (id < -1 || id > reserved) && `${id} is not between -1 (generate one) and reserved.broker.max.id, which is ${reserved}`;
  }),
  rule('log.cleaner.dedupe.buffer.size', s => s.number('log.cleaner.threads') > 0
    && s.number('log.cleaner.dedupe.buffer.size') / s.number('log.cleaner.threads') <= 1048576
    && 'must be more than 1048576 for each of log.cleaner.threads'),
  rule('replica.fetch.wait.max.ms', s => s.number('replica.fetch.wait.max.ms') > s.number('replica.socket.timeout.ms')
    && 'must not exceed replica.socket.timeout.ms'),
  rule('replica.fetch.wait.max.ms', s => s.number('replica.fetch.wait.max.ms') > s.number('replica.lag.time.max.ms')
    && 'must not exceed replica.lag.time.max.ms'),
  ...['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'].map(key =>
    rule(key, s => s.isSet(key) && s.number(key) !== -1 && s.number(key) < 1 && 'must be -1 (unlimited) or at least 1')),
  rule('log.roll.ms', s => s.isSet('log.roll.ms') && s.number('log.roll.ms') < 1 && 'must be at least 1'),
  rule('log.roll.jitter.ms', s => s.isSet('log.roll.jitter.ms') && s.number('log.roll.jitter.ms') < 0 && 'must not be negative'),
  rule('log.dirs', s => s.logDirs().length === 0 && 'at least one directory is needed'),
  rule('log.dirs', s => new Set(s.logDirs()).size < s.logDirs().length && 'a directory is listed twice'),
  rule('controller.listener.names', s => s.isSet('controller.listener.names') && 'must be unset on a ZooKeeper-mode broker'),
  rule('queued.max.request.bytes', s => s.number('queued.max.request.bytes') > 0
    && s.number('queued.max.request.bytes') < s.number('socket.request.max.bytes')
    && 'must be -1 (unlimited) or at least socket.request.max.bytes'),
  rule('max.connections.per.ip', s => s.number('max.connections.per.ip') === 0 && s.text('max.connections.per.ip.overrides') === ''
    && '0 would refuse everybody: set max.connections.per.ip.overrides too'),
  rule('connection.failed.authentication.delay.ms', s => s.number('connections.max.idle.ms') >= 0
    && s.number('connection.failed.authentication.delay.ms') >= s.number('connections.max.idle.ms')
    && 'must be less than connections.max.idle.ms'),
  rule('zookeeper.connect', s => s.isSet('zookeeper.connect') && s.text('zookeeper.connect') === ''
    && 'is empty: name host:port, or leave the key out for embedded coordination'),
];

const NOT_YET = 'not supported yet by this version';

const unsupported: readonly Check[] = [
  rule('process.roles', s => s.isSet('process.roles') && s.text('process.roles') !== '' && 'KRaft mode is not supported: this is a ZooKeeper-mode broker'),
  ...['zookeeper.metadata.migration.enable', 'remote.log.storage.system.enable', 'zookeeper.ssl.client.enable', 'zookeeper.set.acl'].map(key =>
    rule(key, s => s.boolean(key) && NOT_YET)),
  ...['authorizer.class.name', 'alter.config.policy.class.name', 'create.topic.policy.class.name', 'client.quota.callback.class',
    'early.start.listeners'].map(key => rule(key, s => s.isSet(key) && s.text(key) !== '' && NOT_YET)),
];

export function checkRules(settings: SettingsView): ConfigProblem[] {
  return [...checks, ...unsupported].map(check => check(settings)).filter(problem => problem !== undefined);
}
