// `listeners`, `advertised.listeners`, `listener.security.protocol.map`, `inter.broker.listener.name`,
// `control.plane.listener.name`: which sockets to open, what to tell others to connect to, and by which listener brokers reach
// each other. Nothing is resolved or opened here.
import type { ConfigProblem } from './problem.js';

export interface Endpoint {
  /** Upper case, as in Metadata and in the broker's znode. */
  readonly listener: string;
  /** null: every interface (in `listeners` only). */
  readonly host: string | null;
  /** 0: any free port. */
  readonly port: number;
  readonly protocol: SecurityProtocol;
}

export interface AdvertisedEndpoint extends Endpoint {
  readonly host: string;
}

export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';

export interface Listeners {
  readonly bind: readonly Endpoint[];
  /** A port of 0 stands for the port that the listener of that name got. */
  readonly advertised: readonly AdvertisedEndpoint[];
  /** Followers and coordinators reach other brokers by it. */
  readonly interBroker: string;
  /** The controller reaches brokers by it, and brokers reach the controller: that of all others where none is set apart. */
  readonly controlPlane: string;
  /** What a listener of this name speaks. Others' are believed to speak the same. */
  protocolOf(listener: string): SecurityProtocol | undefined;
}

/** What the parser needs of the settings; undefined: not set. */
export interface ListenerSettings {
  readonly listeners: string;
  readonly advertised: string | undefined;
  readonly protocolMap: string;
  readonly interBrokerName: string | undefined;
  readonly interBrokerProtocol: string | undefined;
  readonly controlPlaneName: string | undefined;
  /** Advertised where a listener names no host. */
  readonly hostName: string;
}

export const SECURITY_PROTOCOLS: readonly string[] = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'];

/** All mistakes go to `problems`; the result is meaningful only if none were added. */
export function parseListeners(settings: ListenerSettings, problems: ConfigProblem[]): Listeners {
  const protocols = parseProtocolMap(settings.protocolMap, problems);
  const bind = parseEndpoints('listeners', settings.listeners, protocols, problems);
  if (bind.length === 0) problems.push({ key: 'listeners', message: 'at least one listener is needed' });
  refuseSharedPorts(bind, problems);
  refuseUnsupported(bind, problems);

  const advertised = settings.advertised === undefined
    ? bind.filter(endpoint => endpoint.listener !== 'CONTROLLER')
    : parseEndpoints('advertised.listeners', settings.advertised, protocols, problems);
  checkAdvertised(settings, bind, advertised, problems);

  const interBroker = interBrokerName(settings, advertised, problems);
  return {
    bind,
    advertised: advertised.map(endpoint => ({ ...endpoint, host: endpoint.host ?? settings.hostName })),
    interBroker,
    controlPlane: controlPlaneName(settings, protocols, advertised, interBroker, problems) ?? interBroker,
    protocolOf: listener => protocols.get(listener),
  };
}

function parseProtocolMap(text: string, problems: ConfigProblem[]): Map<string, SecurityProtocol> {
  const protocols = new Map<string, SecurityProtocol>();
  for (const pair of splitList(text)) {
    const colon = pair.lastIndexOf(':');
    const [name, protocol] = [pair.slice(0, colon).trim().toUpperCase(), pair.slice(colon + 1).trim().toUpperCase()];
    const problem = colon <= 0 ? `'${pair}' is not of the form name:protocol`
      : !SECURITY_PROTOCOLS.includes(protocol) ? `'${pair}' names no security protocol (${SECURITY_PROTOCOLS.join(', ')})`
      : protocols.has(name) ? `${name} is mapped twice`
      : undefined;
    if (problem !== undefined) problems.push({ key: 'listener.security.protocol.map', message: problem });
    else protocols.set(name, protocol as SecurityProtocol);
  }
  return protocols;
}

// NAME://host:port, the host possibly empty, an IPv6 address in brackets or not (EndPoint.java).
const ENDPOINT = /^(.*):\/\/\[?([0-9a-zA-Z\-%._:]*)\]?:([0-9]+)$/;

function parseEndpoints(key: string, text: string, protocols: Map<string, SecurityProtocol>, problems: ConfigProblem[]): Endpoint[] {
  const endpoints: Endpoint[] = [];
  for (const item of splitList(text)) {
    const [, name = '', host = '', port = ''] = ENDPOINT.exec(item) ?? [];
    const listener = name.toUpperCase();
    const protocol = protocols.get(listener);
    const problem = port === '' ? `'${item}' is not of the form name://host:port`
      : Number(port) > 65535 ? `'${item}' has no possible port`
      : protocol === undefined ? `${listener} is not in listener.security.protocol.map`
      : endpoints.some(other => other.listener === listener) ? `${listener} is listed twice`
      : undefined;
    if (problem !== undefined) problems.push({ key, message: problem });
    else endpoints.push({ listener, host: host === '' ? null : host, port: Number(port), protocol: protocol! });
  }
  return endpoints;
}

function refuseSharedPorts(bind: readonly Endpoint[], problems: ConfigProblem[]): void {
  // Two listeners may share a port only as an IPv4 and an IPv6 address (KIP-797).
  const family = (host: string | null): string => host === null ? 'any' : host.includes(':') ? '6' : /^[0-9.]+$/.test(host) ? '4' : 'any';
  bind.forEach((endpoint, index) => {
    const clash = bind.slice(0, index).find(other => {
      const families = [family(other.host), family(endpoint.host)];
      return other.port === endpoint.port && endpoint.port !== 0 && !(families.includes('4') && families.includes('6'));
    });
    if (clash) problems.push({ key: 'listeners', message: `${clash.listener} and ${endpoint.listener} have the same port ${endpoint.port}` });
  });
}

function refuseUnsupported(bind: readonly Endpoint[], problems: ConfigProblem[]): void {
  for (const { listener, protocol } of bind) {
    if (protocol !== 'PLAINTEXT') problems.push({ key: 'listeners', message: `${listener} uses ${protocol}, which is not supported yet by this version` });
  }
}

function checkAdvertised(
  { advertised: text, hostName }: ListenerSettings, bind: readonly Endpoint[], advertised: readonly Endpoint[], problems: ConfigProblem[],
): void {
  const key = text === undefined ? 'listeners' : 'advertised.listeners';
  if (text !== undefined && advertised.length === 0) problems.push({ key, message: 'at least one listener is needed' });
  for (const { listener, host } of advertised) {
    if (!bind.some(endpoint => endpoint.listener === listener)) problems.push({ key, message: `${listener} is not among listeners` });
    if ((host ?? hostName) === '0.0.0.0') {
      problems.push({ key, message: `${listener} would be advertised as 0.0.0.0, which nobody can connect to: set advertised.listeners` });
    }
  }
}

function interBrokerName(settings: ListenerSettings, advertised: readonly Endpoint[], problems: ConfigProblem[]): string {
  const { interBrokerName: name, interBrokerProtocol: protocol } = settings;
  const key = name === undefined ? 'security.inter.broker.protocol' : 'inter.broker.listener.name';
  if (name !== undefined && protocol !== undefined) problems.push({ key, message: 'set this or security.inter.broker.protocol, not both' });
  const listener = (name ?? protocol ?? 'PLAINTEXT').toUpperCase();
  // With no usable listener at all, the reason has been told already.
  if (advertised.length > 0 && !advertised.some(endpoint => endpoint.listener === listener)) {
    problems.push({ key, message: `${listener} is not among the advertised listeners` });
  }
  return listener;
}

function controlPlaneName(
  { controlPlaneName: name }: ListenerSettings, protocols: ReadonlyMap<string, SecurityProtocol>, advertised: readonly Endpoint[], interBroker: string, problems: ConfigProblem[],
): string | undefined {
  const listener = name?.toUpperCase();
  if (listener === undefined) return undefined;
  const problem = !protocols.has(listener) ? `${listener} is not in listener.security.protocol.map`
    : advertised.length > 0 && !advertised.some(endpoint => endpoint.listener === listener) ? `${listener} is not among the advertised listeners`
    : listener === interBroker ? `${listener} is the listener between brokers already: the control plane's is another one`
    : undefined;
  if (problem !== undefined) problems.push({ key: 'control.plane.listener.name', message: problem });
  return listener;
}

function splitList(text: string): string[] {
  return text.split(',').map(item => item.trim()).filter(item => item !== '');
}
