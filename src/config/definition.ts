// A configuration key as data. Defaults are text, spelled as a Kafka broker describes them, because the largest of them
// (9223372036854775807) does not survive being a number.

export type ValueType = 'boolean' | 'int' | 'short' | 'long' | 'double' | 'string' | 'password' | 'list' | 'class';

export interface Definition {
  readonly name: string;
  readonly type: ValueType;
  /** null: unset, which is a value of its own for some keys. */
  readonly default: string | null;
  readonly min?: number;
  readonly max?: number;
  /** One value allowed outside [min, max]. */
  readonly or?: number;
  /** The allowed values; of each element, where the type is a list. */
  readonly oneOf?: readonly string[];
  readonly ignoreCase?: true;
  readonly form?: 'nonEmpty' | 'metadataVersion' | 'throttledReplicas';
  /** Who may change it while the broker runs. Absent: nobody, it is read at start. */
  readonly dynamic?: 'per-broker' | 'cluster-wide';
  /** Not shown by DescribeConfigs unless somebody set it. */
  readonly internal?: true;
}

/** A broker setting that stands behind a topic setting, and the unit it counts in. */
export type BrokerFallback = string | { readonly name: string; readonly unit: 'minutes' | 'hours' };

export interface TopicDefinition extends Definition {
  readonly from?: readonly BrokerFallback[];
}
