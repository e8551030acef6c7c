import { ZnodeFormatError, bytes, integer, isFields, object, parse, string, type Fields } from './json.js';
import { scalaImmutableOrder, scalaMutableOrder } from '../../base/java-order.js';

const PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const;

export interface BrokerEndpoint {
  readonly listener: string;
  readonly host: string;
  readonly port: number;
  /** SecurityProtocol's id: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
  readonly securityProtocol: number;
}

/** /brokers/ids/<id>, ephemeral. The broker's epoch is the znode's czxid. */
export interface BrokerRegistration {
  readonly endpoints: readonly BrokerEndpoint[];
  readonly rack: string | null;
  readonly jmxPort: number;
  readonly timestamp: number;
  readonly features: ReadonlyMap<string, { readonly min: number; readonly max: number }>;
}

export type BrokerRegistrationInput = Pick<BrokerRegistration, 'endpoints' | 'timestamp'> & Partial<BrokerRegistration>;

const uri = ({ listener, host, port }: BrokerEndpoint): string => `${listener}://${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Version 5. `host` and `port` are for clients that know of nothing but PLAINTEXT: null and -1 tell them to stay away. */
export function encodeBrokerRegistration(broker: BrokerRegistrationInput): Buffer {
  const { endpoints, rack, jmxPort = -1, timestamp, features = new Map() } = broker;
  const plain = endpoints.find(endpoint => endpoint.securityProtocol === 0);
  const protocols = new Map(endpoints.map(({ listener, securityProtocol }) => [listener, PROTOCOLS[securityProtocol] ?? 'PLAINTEXT']));
  const ranges = new Map([...features].map(([name, { min, max }]) => [name, object({ min_version: min, max_version: max })]));
  const fields = {
    version: 5,
    host: plain === undefined || plain.host === '' ? null : plain.host,
    port: plain?.port ?? -1,
    endpoints: endpoints.map(uri),
    jmx_port: jmxPort,
    timestamp: String(timestamp),
    ...(rack === undefined || rack === null ? {} : { rack }),
    listener_security_protocol_map: object(protocols, scalaImmutableOrder),
    features: object(ranges),
  };
  return bytes(object(fields, keys => scalaMutableOrder(keys, 6)));
}

export function decodeBrokerRegistration(data: Uint8Array): BrokerRegistration {
  const fields = parse(data);
  const version = integer(fields, 'version');
  if (version < 1) throw new ZnodeFormatError(`broker registration version ${version}`);
  return {
    endpoints: version === 1 ? [{ listener: 'PLAINTEXT', host: string(fields, 'host'), port: integer(fields, 'port'), securityProtocol: 0 }] : endpointsOf(fields),
    rack: typeof fields['rack'] === 'string' ? fields['rack'] : null,
    jmxPort: integer(fields, 'jmx_port', -1),
    timestamp: integer(fields, 'timestamp', -1),
    features: featuresOf(fields['features']),
  };
}

function endpointsOf(fields: Fields): BrokerEndpoint[] {
  const protocols = isFields(fields['listener_security_protocol_map']) ? fields['listener_security_protocol_map'] : {};
  const uris = fields['endpoints'];
  if (!Array.isArray(uris)) throw new ZnodeFormatError(`'endpoints' is ${JSON.stringify(uris)}, not a list`);
  return uris.map(each => {
    const match = /^(.*):\/\/\[?([0-9a-zA-Z\-%._:]*)\]?:(-?\d+)$/.exec(String(each));
    if (match === null) throw new ZnodeFormatError(`'${String(each)}' is no endpoint`);
    const listener = match[1]!.toUpperCase();
    // Before version 4 a listener was named after its protocol.
    const securityProtocol = PROTOCOLS.indexOf((protocols[match[1]!] ?? protocols[listener] ?? listener) as (typeof PROTOCOLS)[number]);
    if (securityProtocol < 0) throw new ZnodeFormatError(`listener ${listener} has no security protocol`);
    return { listener, host: match[2]!, port: Number(match[3]), securityProtocol };
  });
}

function featuresOf(value: unknown): BrokerRegistration['features'] {
  if (!isFields(value)) return new Map();
  return new Map(Object.entries(value).filter((entry): entry is [string, Fields] => isFields(entry[1]))
    .map(([name, range]) => [name, { min: integer(range, 'min_version'), max: integer(range, 'max_version') }]));
}
