// Plays conversations to both brokers and keeps what differed, each difference shrunk to the shortest conversation that
// still shows it.

import { compareSegments, compareZnodes, forgetOldChanges } from './aftermath.js';
import { compareSteps, type Difference, type Sides } from './compare.js';
import type { Conversation, Step } from './conversation.js';
import { brokersAsBefore, converse, farewell } from './converse.js';
import { Coverage } from './coverage.js';
import { cutOf, sortOut, type Sorted } from './differences.js';
import { Gate } from './gate.js';
import { ofBrokers } from './grammar/config-resources.js';
import { MadeUp } from './normal.js';
import type { Pair } from './pair.js';
import { Player } from './play.js';
import type { Kept } from './endgame.js';
import { shrink } from './shrink.js';
import type { OnceFailed } from './stories.js';
import { story } from './story.js';
import { Bindings } from './symbols.js';

export interface TwinOptions {
  readonly seed: number;
  /** Ends when this is over, or so many conversations are. */
  readonly untilMs: number;
  readonly most?: number;
  readonly api?: string;
  /** Conversations at the same time. */
  readonly lanes: number;
  readonly log: (line: string) => void;
  readonly keep?: (found: Found) => void;
}

/** What conversations have to know of a broker. */
export interface Facts {
  readonly clusterId: string;
  readonly controllerEpoch: number;
}

export interface Found {
  readonly conversation: Conversation;
  readonly kind: string;
  readonly story: string;
}

/** Groups of other conversations feel a deleted topic, and their metadata what is said of the live brokers. */
const FELT_BY_OTHERS = new Set(['DeleteTopics', 'UpdateMetadata']);
const ALTERS = new Set(['AlterConfigs', 'IncrementalAlterConfigs']);
/** A difference that shows so often of three times is no chance. */
const CONFIRMATIONS = 2;
/** Conversations whose topics are still there. */
const MOST_FAREWELLS = 12;
/** Stories enough for one run. */
const MOST_STORIES = 40;

export class Twin {
  readonly coverage = new Coverage();
  readonly found: Found[] = [];
  readonly allowed = new Map<string, number>();
  /** Differences that did not show again, by kind. */
  readonly fleeting = new Map<string, number>();
  conversations = 0;
  readonly #pair: Pair;
  readonly #facts: Sides<Facts>;
  readonly #kinds = new Set<string>();
  readonly #gate = new Gate();
  readonly #farewells: (readonly Player[])[] = [];
  #played = 0;
  #again = 0;

  constructor(pair: Pair, facts: Sides<Facts>) {
    this.#pair = pair;
    this.#facts = facts;
  }

  async run(options: TwinOptions): Promise<void> {
    let next = 0;
    const lane = async (): Promise<void> => {
      while (performance.now() < options.untilMs && next < (options.most ?? Infinity) && this.found.length < MOST_STORIES) {
        if (this.#pair.obituary() !== undefined) return;
        await this.#one(converse(options.seed + next++, options.api), options);
      }
    };
    await Promise.all(Array.from({ length: options.lanes }, lane));
    const obituary = this.#pair.obituary();
    if (obituary !== undefined) throw new Error(`a broker is gone: ${obituary}`);
  }

  async #one(conversation: Conversation, { log, keep }: TwinOptions): Promise<void> {
    this.conversations++;
    const faults = await this.play(conversation, true);
    // What is known already may hide what is not: the first of another kind counts.
    const kind = faults.map(kindOf).find(each => !this.#kinds.has(each));
    if (kind === undefined) return;
    const shows = async (smaller: Conversation): Promise<boolean> => (await this.play(smaller)).some(each => kindOf(each) === kind);
    // Other lanes need not look at it meanwhile.
    this.#kinds.add(kind);
    for (let again = 0; again < CONFIRMATIONS; again++) {
      if (await shows(conversation)) continue;
      this.fleeting.set(kind, (this.fleeting.get(kind) ?? 0) + 1);
      this.#kinds.delete(kind);
      log(`fleeting, ${story(conversation, faults.filter(each => kindOf(each) === kind))}`);
      return;
    }
    const short = await shrink(conversation, shows);
    const differences = (await this.play(short)).filter(each => kindOf(each) === kind);
    const found = { conversation: short, kind, story: story(short, differences.length > 0 ? differences : faults) };
    this.found.push(found);
    log(found.story);
    keep?.(found);
  }

  /** Plays what once failed. */
  async again({ name, about, conversation }: OnceFailed, log: (line: string) => void): Promise<void> {
    const differences = await this.play(conversation);
    if (differences.length === 0) return;
    const found = { conversation, kind: name, story: `${name}: ${about}\n${story(conversation, differences)}` };
    this.found.push(found);
    log(found.story);
  }

  /** Plays without taking the topics away again, for the end of the run; undefined where the two went apart. */
  async keep(conversation: Conversation, log: (line: string) => void): Promise<Kept | undefined> {
    const prefix = `w2-${conversation.seed}-`;
    const { faults, parted } = await this.#play(conversation, prefix, { kept: true });
    if (faults.length > 0) {
      const found = { conversation, kind: kindOf(faults[0]!), story: story(conversation, faults) };
      this.found.push(found);
      log(found.story);
    }
    return parted || faults.length > 0 ? undefined : { conversation, prefix };
  }

  /** The faults that a conversation shows. */
  async play(conversation: Conversation, counted = false): Promise<readonly Difference[]> {
    const prefix = counted ? `w0-${this.#played++}-` : `w1-${this.#again++}-`;
    const alone = conversation.steps.some(step => FELT_BY_OTHERS.has(step.api) || altersBrokers(step));
    const play = (): Promise<Sorted> => this.#play(conversation, prefix, { counted });
    const { faults } = await (alone ? this.#gate.alone(play) : this.#gate.together(play));
    if (this.#farewells.length >= MOST_FAREWELLS) await this.#gate.alone(() => this.#sayFarewell());
    return faults;
  }

  /** A deleted topic is felt by all groups, those of other conversations too: they go only when nobody converses. */
  async #sayFarewell(): Promise<void> {
    for (const both of this.#farewells.splice(0)) {
      await Promise.all(both.map(async player => {
        await player.play([farewell()]);
        await player.close();
      }));
    }
    const { ours, kafka } = this.#pair.clients;
    await Promise.all([ours, kafka].map(forgetOldChanges));
  }

  async #play(conversation: Conversation, prefix: string, { counted = false, kept = false }: { counted?: boolean; kept?: boolean }): Promise<Sorted> {
    const { ports, clients, grounds } = this.#pair;
    const bindings = { ours: new Bindings(prefix), kafka: new Bindings(prefix) };
    for (const side of ['ours', 'kafka'] as const) {
      bindings[side].bind('port', ports[side]);
      bindings[side].bind('controllerEpoch', this.#facts[side].controllerEpoch);
    }
    const players = { ours: new Player(ports.ours, bindings.ours), kafka: new Player(ports.kafka, bindings.kafka) };
    const made = { ours: new MadeUp(ports.ours, this.#facts.ours.clusterId, prefix, grounds.ours), kafka: new MadeUp(ports.kafka, this.#facts.kafka.clusterId, prefix, grounds.kafka) };
    const whole = [...conversation.steps, ...conversation.epilogue];
    const cut = cutOf(whole);
    const steps = whole.slice(0, cut?.at);
    try {
      const [ours, kafka] = await Promise.all([players.ours.play(steps), players.kafka.play(steps)]);
      if (counted) this.coverage.note(steps, kafka);
      made.ours.learn(bindings.ours.history);
      made.kafka.learn(bindings.kafka.history);
      const differences = compareSteps(steps, { ours, kafka }, made);
      const answers = sortOut(differences, whole);
      // Where they went apart, what they leave behind does too.
      if (answers.faults.length === 0 && !answers.parted) {
        differences.push(...await compareZnodes(clients, made), ...await compareSegments({ ours: grounds.ours.dataDirectory, kafka: grounds.kafka.dataDirectory }, made));
      }
      const sorted = sortOut(differences, whole);
      if (counted) for (const [id, count] of sorted.allowed) this.allowed.set(id, (this.allowed.get(id) ?? 0) + count);
      return sorted;
    } finally {
      if (steps.some(altersBrokers)) await Promise.all([players.ours, players.kafka].map(player => player.play(brokersAsBefore())));
      await Promise.all([players.ours.close(), players.kafka.close()]);
      if (!kept) this.#farewells.push([players.ours, players.kafka]);
    }
  }
}

function altersBrokers({ api, body }: Step): boolean {
  return ALTERS.has(api) && ofBrokers(body);
}

/** Differences of one kind are told once. */
export function kindOf({ at, step, path, ours, kafka }: Difference): string {
  const where = step === undefined ? String(at).replaceAll(/\d+/g, 'N') : step.api;
  return `${where} ${path.replaceAll(/\[\d+\]/g, '[]').replaceAll(/w\d+-\d+-[^/.]*/g, 'T').replaceAll(/\d{20}/g, 'N')} ${coarse(ours)} ${coarse(kafka)}`;
}

function coarse(value: unknown): string {
  if (typeof value === 'number') return Math.abs(value) < 200 ? String(value) : 'number';
  if (typeof value === 'string') return value.replaceAll(/w\d+-\d+-[a-z]\d*/g, 'T').replaceAll(/\d+/g, 'N').slice(0, 60);
  return value === null || value === undefined ? String(value) : typeof value;
}
