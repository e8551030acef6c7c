import { expect, test } from 'vitest';
import { parseListeners, type ListenerSettings, type Listeners } from '../../src/config/listeners.js';
import type { ConfigProblem } from '../../src/config/problem.js';

const DEFAULT_MAP = 'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT';

function parse(settings: Partial<ListenerSettings>): { listeners: Listeners; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const listeners = parseListeners({
    listeners: 'PLAINTEXT://:9092', advertised: undefined, protocolMap: DEFAULT_MAP, interBrokerName: undefined, interBrokerProtocol: undefined, controlPlaneName: undefined,
    hostName: 'here', ...settings,
  }, problems);
  return { listeners, problems };
}

test('several listeners, each with its name, address and protocol', () => {
  const { listeners, problems } = parse({
    listeners: 'inside://10.0.0.1:9092, OUTSIDE://[::1]:9093,ANY://:0',
    advertised: 'INSIDE://spool-1:9092,outside://spool.example:19093',
    protocolMap: 'INSIDE:PLAINTEXT,OUTSIDE:plaintext,ANY:PLAINTEXT',
    interBrokerName: 'inside',
  });
  expect(problems).toEqual([]);
  expect(listeners.bind.map(({ listener, host, port }) => [listener, host, port])).toEqual([['INSIDE', '10.0.0.1', 9092], ['OUTSIDE', '::1', 9093], ['ANY', null, 0]]);
  expect(listeners.advertised.map(({ listener, host, port }) => [listener, host, port])).toEqual([['INSIDE', 'spool-1', 9092], ['OUTSIDE', 'spool.example', 19093]]);
  expect(listeners.interBroker).toBe('INSIDE');
});

test('the control plane has a listener of its own, or that between brokers', () => {
  const map = 'CONTROL:PLAINTEXT,PLAINTEXT:PLAINTEXT';
  const { listeners, problems } = parse({ listeners: 'PLAINTEXT://:9092,control://:9093', protocolMap: map, controlPlaneName: 'control' });
  expect(problems).toEqual([]);
  expect([listeners.interBroker, listeners.controlPlane, listeners.protocolOf('CONTROL')]).toEqual(['PLAINTEXT', 'CONTROL', 'PLAINTEXT']);
  expect(parse({}).listeners.controlPlane).toBe('PLAINTEXT');
});

test('what is not advertised by name is advertised as it is bound, with the host\'s name for "everywhere"', () => {
  expect(parse({}).listeners.advertised).toMatchObject([{ listener: 'PLAINTEXT', host: 'here', port: 9092 }]);
  expect(parse({ listeners: 'PLAINTEXT://127.0.0.1:9092' }).listeners.advertised).toMatchObject([{ host: '127.0.0.1' }]);
});

test('one port serves an IPv4 and an IPv6 address, and nothing else twice', () => {
  const map = 'A:PLAINTEXT,B:PLAINTEXT';
  const two = (one: string, other: string): ConfigProblem[] => parse({ listeners: `A://${one},B://${other}`, protocolMap: map, interBrokerName: 'A' }).problems;
  expect(two('127.0.0.1:9092', '[::1]:9092')).toEqual([]);
  expect(two(':0', ':0')).toEqual([]);
  expect(two('127.0.0.1:9092', '127.0.0.2:9092')).toMatchObject([{ key: 'listeners', message: expect.stringContaining('9092') }]);
  expect(two(':9092', '[::1]:9092')).toHaveLength(1);
});

const MISTAKES: [string, Partial<ListenerSettings>, string, RegExp][] = [
  ['no listener', { listeners: '' }, 'listeners', /at least one/],
  ['no port', { listeners: 'PLAINTEXT://host' }, 'listeners', /name:\/\/host:port/],
  ['a port no machine has', { listeners: 'PLAINTEXT://:70000' }, 'listeners', /port/],
  ['a name without a protocol', { listeners: 'PLAINTEXT://:9092,BLUE://:9093' }, 'listeners', /BLUE is not in listener.security.protocol.map/],
  ['a name twice', { listeners: 'PLAINTEXT://:9092,plaintext://:9093' }, 'listeners', /twice/],
  ['TLS', { listeners: 'PLAINTEXT://:9092,SSL://:9093' }, 'listeners', /SSL uses SSL, which is not supported yet/],
  ['SASL under another name', { listeners: 'PLAINTEXT://:9092,X://:9093', protocolMap: 'PLAINTEXT:PLAINTEXT,X:SASL_PLAINTEXT' }, 'listeners', /SASL_PLAINTEXT, which is not supported yet/],
  ['a protocol nobody knows', { protocolMap: 'PLAINTEXT:PLAINTEXT,X:QUIC' }, 'listener.security.protocol.map', /X:QUIC/],
  ['a map without a colon', { protocolMap: 'PLAINTEXT:PLAINTEXT,X' }, 'listener.security.protocol.map', /name:protocol/],
  ['a name mapped twice', { protocolMap: 'PLAINTEXT:PLAINTEXT,plaintext:SSL' }, 'listener.security.protocol.map', /twice/],
  ['advertising what is not open', { advertised: 'PLAINTEXT://a:1,SSL://b:2' }, 'advertised.listeners', /SSL is not among listeners/],
  ['advertising nothing', { advertised: ' ' }, 'advertised.listeners', /at least one/],
  ['advertising every interface', { advertised: 'PLAINTEXT://0.0.0.0:9092' }, 'advertised.listeners', /0\.0\.0\.0/],
  ['advertising every interface by binding it', { listeners: 'PLAINTEXT://0.0.0.0:9092' }, 'listeners', /advertised\.listeners/],
  ['an inter-broker listener that is none', { interBrokerName: 'SSL' }, 'inter.broker.listener.name', /SSL/],
  ['both ways to name the inter-broker listener', { interBrokerName: 'PLAINTEXT', interBrokerProtocol: 'PLAINTEXT' }, 'inter.broker.listener.name', /not both/],
  ['a control plane without a protocol', { controlPlaneName: 'CONTROL' }, 'control.plane.listener.name', /CONTROL is not in listener.security.protocol.map/],
  ['a control plane that is not advertised', { controlPlaneName: 'SSL' }, 'control.plane.listener.name', /SSL is not among the advertised/],
  ['a control plane by the listener between brokers', { controlPlaneName: 'plaintext' }, 'control.plane.listener.name', /another one/],
  ['an inter-broker protocol without a listener', { interBrokerProtocol: 'SSL' }, 'security.inter.broker.protocol', /SSL/],
];
test.each(MISTAKES)('mistake: %s', (_story, settings, key, message) => {
  const { problems } = parse(settings);
  expect(problems).toContainEqual({ key, message: expect.stringMatching(message) });
});
