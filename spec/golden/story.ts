import type { LogIndex, NodeId } from '../../lib/core/ids.js';
import type { MembershipChange } from '../../lib/core/membership-plan.js';
import { CoreCluster, HEARTBEAT_MS, type ClusterOptions, type Envelope, type Which } from '../support/core-cluster.js';
import { elect } from '../support/core-membership.js';
import type { Shown } from './event-text.js';
import { messageText } from './message-text.js';
import { pictureOf } from './picture.js';
import { blockOf, isHeartbeat, mergePeers, type Block } from './turn-text.js';

export type StoryOptions = ClusterOptions & Shown;

/** A cluster whose every turn is written down, in the words of a script. What it inherits is written down too. */
export class Story extends CoreCluster {
  readonly lines: string[] = [];
  readonly #shown: Shown;
  #isSilent = false;

  constructor(options: StoryOptions) {
    super(options);
    this.#shown = options;
    this.onTurn = (id, inputs, output) => this.#write(blockOf(id, inputs, output, this.#shown));
  }

  /** Makes a node the leader, off the record. */
  ledBy(id: NodeId): void {
    this.silently(() => elect(this, id));
  }

  /** Lets the leader's heartbeats go on, off the record, until this one of its followers is the next to lose patience. */
  impatient(id: NodeId): void {
    const others = [...this.nodes.keys()].filter((other) => other !== id && other !== this.leader);
    const isNext = (): boolean => others.every((other) => this.node(id).core.wakeAt < this.node(other).core.wakeAt);
    this.silently(() => {
      for (let tries = 0; tries < 100 && !isNext(); tries += 1) {
        this.runFor(HEARTBEAT_MS);
      }
    });
    if (!isNext()) throw new Error(`${id} is never the first`);
  }

  /** What happens in here is not told, but for one sentence, if any. */
  silently(act: () => void, sentence?: string): void {
    if (sentence !== undefined) this.#note(`… ${sentence}`);
    const before = this.#isSilent;
    this.#isSilent = true;
    act();
    this.#isSilent = before;
  }

  /** A word to the reader. */
  say(text: string): void {
    this.#note(`# ${text}`);
  }

  picture(): void {
    this.#note('', ...pictureOf(this), '');
  }

  /** Nobody does anything meanwhile. */
  wait(ms: number): void {
    this.now += ms;
    this.#note(`~ ${ms} ms pass`);
  }

  /** Until this timer runs out a leader goes on with everybody else: it does not sleep because one server doesn't hear it. */
  override timeout(id: NodeId): void {
    for (const [other, { core }] of this.nodes) {
      while (other !== id && core.isLeader && core.wakeAt < this.node(id).core.wakeAt) {
        super.timeout(other);
        this.#lost(this.take({ from: other, to: id, type: 'heartbeat' }));
        this.deliver({ from: other, type: 'heartbeat' });
        this.deliver({ to: other, type: 'heartbeatReply' });
      }
    }
    super.timeout(id);
  }

  override runFor(ms: number): void {
    this.#note(`~ life goes on for ${ms} ms`);
    super.runFor(ms);
  }

  /** Comes to rest off the record; the sentence says what comes of it. */
  rest(sentence: string): void {
    this.silently(() => this.settle(), sentence);
  }

  /** Messages pass only within the group, or outside it. */
  cut(...group: NodeId[]): void {
    this.isCut = (from, to) => group.includes(from) !== group.includes(to);
    this.#note(`✂ ${group.join(' ')} cut off from the others`);
  }

  heal(): void {
    this.isCut = () => false;
    this.#note('✂ healed');
  }

  /** What is on the wire and meant never arrives. */
  lose(which: Which = {}): void {
    this.#lost(this.take(which));
  }

  override deliver(which: Which = {}): number {
    const due = this.take(which);
    const isLost = ({ from, to, message }: Envelope): boolean => this.isCut(from, to, message.type);
    this.#lost(due.filter(isLost));
    for (const { from, to, message } of due.filter((envelope) => !isLost(envelope))) {
      if (this.nodes.has(to)) this.inject(from, to, message);
    }
    return due.length;
  }

  override restart(id: NodeId): void {
    this.#note(`✗ ${id} crashes`);
    this.lose({ to: id });
    super.restart(id);
  }

  read(id: NodeId, number: number, lease = false): void {
    this.step(id, { type: 'read', id: number, lease });
  }

  change(id: NodeId, number: number, change: MembershipChange, expected: LogIndex | null = null): void {
    this.step(id, { type: 'changeMembership', id: number, change, expected });
  }

  transfer(id: NodeId, to: NodeId | null, timeoutMs = 100): void {
    this.step(id, { type: 'transfer', id: 1, to, timeoutMs });
  }

  #write({ head, lines, noise }: Block): void {
    if (noise === 'applied') return;
    if (noise === 'heartbeats') this.#noteHeartbeats();
    else this.#note(head, ...lines.map((line) => `    ${line}`));
  }

  #lost(envelopes: readonly Envelope[]): void {
    const shown = envelopes.filter(({ message }) => this.#shown.showRounds === true || !isHeartbeat(message));
    if (shown.length < envelopes.length) this.#noteHeartbeats();
    this.#note(...mergePeers(shown.map(({ from, to, message }) => [to, `✗ lost: ${from} → %: ${messageText(message)}`])));
  }

  /** However many heartbeats and answers go by without consequence, they are one line. */
  #noteHeartbeats(): void {
    if (this.lines[this.lines.length - 1] !== '(heartbeats)') this.#note('(heartbeats)');
  }

  #note(...lines: string[]): void {
    if (!this.#isSilent) this.lines.push(...lines);
  }
}
