import type { BrokerConfig } from '../config/broker-config.js';
import { interBrokerProtocol, type InterBrokerProtocol } from './request-versions.js';

/** What of a broker's configuration the controller goes by. What may change while it runs is asked for each time. */
export interface ControllerSettings {
  readonly protocol: InterBrokerProtocol;
  readonly interBrokerListener: string;
  /** controller.socket.timeout.ms */
  readonly socketTimeoutMs: number;
  readonly deleteTopicEnable: boolean;
  /** unclean.leader.election.enable: the default of topics. */
  readonly uncleanElection: () => boolean;
  /** auto.leader.rebalance.enable */
  readonly rebalances: boolean;
  /** leader.imbalance.check.interval.seconds */
  readonly rebalanceMs: number;
  /** leader.imbalance.per.broker.percentage */
  readonly imbalancePercentage: () => number;
}

const SECOND_MS = 1000;

export function controllerSettings(config: BrokerConfig): ControllerSettings {
  return {
    protocol: interBrokerProtocol(config.string('inter.broker.protocol.version')!),
    interBrokerListener: config.listeners.interBroker,
    socketTimeoutMs: config.number('controller.socket.timeout.ms'),
    deleteTopicEnable: config.boolean('delete.topic.enable'),
    uncleanElection: () => config.boolean('unclean.leader.election.enable'),
    rebalances: config.boolean('auto.leader.rebalance.enable'),
    rebalanceMs: config.number('leader.imbalance.check.interval.seconds') * SECOND_MS,
    imbalancePercentage: () => config.number('leader.imbalance.per.broker.percentage'),
  };
}
