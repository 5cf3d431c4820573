import type { LogIndex, NodeId } from '../core/ids.js';
import type { MembershipChange } from '../core/membership-plan.js';
import { createNode } from '../node/create-node.js';
import { Interruption } from '../node/interruption.js';
import type { LocalNode } from '../node/local-node.js';
import { DEFAULT_LIMITS } from '../node/options.js';
import type { CallOptions } from '../node/raft-node.js';
import { systemClock } from '../node/system-clock.js';
import type { Clock } from '../ports/clock.js';
import { bytesCodec } from '../ports/codec.js';
import { OverloadedError } from '../ports/errors.js';
import { FileStorage } from '../storage/file.js';
import { TcpTransport } from '../transport/tcp.js';
import { ByteStreams } from './byte-streams.js';
import { Channel, type FramePort } from './channel.js';
import { ABORTED, ErrorsAcross } from './errors-across.js';
import { FollowFeeds } from './follow-feeds.js';
import { HeldTransport } from './held-transport.js';
import { MachineProxy, resultCodec } from './machine-proxy.js';
import type { ToApplication, ToWorker } from './messages.js';
import { OwnCommands } from './own-commands.js';
import { OwnProposal } from './own-proposal.js';
import { ProposalAnswers } from './proposal-answers.js';
import type { WorkerSetup } from './setup.js';
import { TurnRecorder } from './turn-recorder.js';

type Node = LocalNode<Uint8Array, unknown, number, void>;
type Limited = Pick<CallOptions, 'signal'>;

/** The node, in its own thread: core, storage and transport. What the application asks for arrives as messages. */
export class WorkerNode {
  readonly #channel: Channel<ToWorker, ToApplication>;
  readonly #errors = new ErrorsAcross(false);
  readonly #streams = new ByteStreams(this.#errors, (message) => this.#post(message));
  readonly #recorder = new TurnRecorder((message) => this.#channel.postLazily(message));
  readonly #clock: Clock;
  readonly #machine: MachineProxy;
  readonly #transport: HeldTransport;
  readonly #node: Node;
  readonly #feeds: FollowFeeds;
  readonly #answers: ProposalAnswers;
  readonly #own = new OwnCommands();
  /** Of calls that may be aborted and are not answered. */
  readonly #aborters = new Map<number, Interruption>();

  constructor(port: FramePort, { options, dataDir, listen, tls, bounds, timeOrigin }: WorkerSetup) {
    const post = (message: ToApplication): void => this.#post(message);
    this.#clock = clockSince(timeOrigin);
    this.#channel = new Channel(port, (message) => this.#handle(message));
    const maxPending = options.maxPendingProposals ?? DEFAULT_LIMITS.maxPendingProposals;
    this.#answers = new ProposalAnswers({ post, errors: this.#errors, onAnswered: (id) => this.#aborters.delete(id) });
    this.#machine = new MachineProxy({ post, errors: this.#errors, streams: this.#streams, runsOf: (batch) => this.#own.runsOf(batch), wantsValues: () => this.#transport.hasUnanswered });
    this.#transport = new HeldTransport({
      inner: new TcpTransport({ listen, ...(tls === null ? {} : { tls }) }),
      post,
      isHeld: () => this.#channel.backlogBytes >= bounds.holdBytes,
      maxChecks: maxPending,
      now: () => this.#clock.now(),
    });
    this.#node = createNode<Uint8Array, unknown, number, void>({
      ...options,
      clock: this.#clock,
      storage: new FileStorage({ path: dataDir }),
      transport: this.#transport,
      stateMachine: this.#machine,
      commandCodec: bytesCodec,
      valueCodec: resultCodec,
      reporter: this.#recorder,
      turnObserver: (turn) => {
        this.#recorder.handleTurn(turn);
        if (this.#channel.backlogBytes >= bounds.failBytes) throw new OverloadedError('the backlog of an application that takes no events, in bytes,', bounds.failBytes);
      },
    });
    this.#feeds = new FollowFeeds({ node: this.#node, errors: this.#errors, post });
    this.#node.events.subscribe({ error: (fault: unknown) => this.#end(fault) });
  }

  start(): void {
    this.#node.start().then(
      () => this.#post({ type: 'started' }),
      (error: unknown) => this.#post({ type: 'startFailed', error: this.#errors.encode(error) }),
    );
  }

  #post(message: ToApplication): void {
    this.#recorder.flush();
    this.#channel.post(message);
  }

  #handle(message: ToWorker): void {
    switch (message.type) {
      case 'propose':
        return this.#propose(message);
      case 'read': {
        const { id, consistency, timeoutMs, maxStalenessMs } = message;
        return this.#read(id, this.#node.read(id, { consistency, timeoutMs, maxStalenessMs, ...this.#limits(message) }));
      }
      case 'call':
        return this.#call(message);
      case 'command':
        return this.#command(message);
      case 'abort':
        return this.#aborters.get(message.id)?.abort(ABORTED);
      case 'applied':
      case 'machineDone':
      case 'notice':
        return this.#machine.handle(message);
      case 'checked':
        return this.#transport.handleChecked(message.request, message.error);
      case 'follow':
        return this.#feeds.open(message.id, message.from);
      case 'followTaken':
        return this.#feeds.taken(message.id, message.bytes);
      case 'unfollow':
        return this.#feeds.close(message.id);
      case 'stop':
        return this.#stop();
      default:
        return this.#streams.handle(message);
    }
  }

  /** The payload stays a view of its frame: what crossed with it stays in memory about as long, and a copy of each costs more than all the rest. */
  #propose(message: Extract<ToWorker, { type: 'propose' }>): void {
    const { id, payload, timeoutMs } = message;
    const proposal = new OwnProposal(id, payload, this.#clock.now(), timeoutMs, this.#answers);
    this.#own.add(proposal);
    this.#node.submit(proposal, this.#limits(message).signal);
  }

  #read(id: number, allowed: Promise<void>): void {
    allowed.then(
      () => {
        this.#aborters.delete(id);
        this.#post({ type: 'readable', id, freshAt: this.#clock.now() - this.#node.stalenessMs });
      },
      (error: unknown) => this.#refuse(id, error),
    );
  }

  #call(message: Extract<ToWorker, { type: 'call' }>): void {
    const { id } = message;
    this.#callNode(message).then(
      (value) => {
        this.#aborters.delete(id);
        this.#post({ type: 'answered', id, value });
      },
      (error: unknown) => this.#refuse(id, error),
    );
  }

  #callNode(message: Extract<ToWorker, { type: 'call' }>): Promise<unknown> {
    const [first, limits] = message.args;
    const options = { ...(limits as object | undefined), ...this.#limits(message) };
    switch (message.method) {
      case 'changeMembership':
        return this.#node.changeMembership(first as MembershipChange, options);
      case 'transferLeadership':
        return this.#node.transferLeadership(first as NodeId | null, options);
      case 'takeSnapshot':
        return this.#node.takeSnapshot();
      default:
        return message.method satisfies never;
    }
  }

  /** One that comes too late is as if the node had ended before it took effect, which nobody can tell apart. */
  #command({ method, args }: Extract<ToWorker, { type: 'command' }>): void {
    if (this.#node.metrics.value.runningState !== 'running') return;
    this.#node[method](args[0] as LogIndex);
  }

  #refuse(id: number, error: unknown): void {
    this.#aborters.delete(id);
    this.#post({ type: 'refused', id, error: this.#errors.encode(error) });
  }

  #limits({ id, isAbortable }: { readonly id: number; readonly isAbortable: boolean }): Limited {
    if (!isAbortable) return {};
    const aborter = new Interruption();
    this.#aborters.set(id, aborter);
    return { signal: aborter };
  }

  #stop(): void {
    this.#node.stop().then(
      () => this.#post({ type: 'closed', error: null }),
      (error: unknown) => this.#post({ type: 'closed', error: this.#errors.encode(error) }),
    );
  }

  /** The node has failed; it closes what can be closed. */
  #end(fault: unknown): void {
    this.#post({ type: 'failed', error: this.#errors.encode(fault) });
    this.#stop();
  }
}

/** The machine's clock as the thread sees it whose time began at `timeOrigin`. */
function clockSince(timeOrigin: number): Clock {
  const offset = performance.timeOrigin - timeOrigin;
  return { ...systemClock, now: () => performance.now() + offset };
}
