import type { LinkCondition } from './link-condition.js';
import { Conditions, Proxy } from './proxy.js';

/** The network between the nodes: a proxy before each, and the conditions of every pair, each way. */
export class Network {
  readonly #conditions = new Conditions();
  readonly #proxies = new Map<string, Proxy>();

  constructor(
    /** Jitter, and which bits are damaged. */
    readonly random: () => number,
  ) {}

  /** Makes a node reachable for the others at `port`. */
  async add(node: string, port: number, nodePort: number): Promise<void> {
    const proxy = new Proxy(node, nodePort, this.#conditions.of, this.random);
    await proxy.listen(port);
    this.#proxies.set(node, proxy);
  }

  async remove(node: string): Promise<void> {
    const proxy = this.#proxies.get(node);
    this.#proxies.delete(node);
    await proxy?.close();
  }

  /** Changes how what `from` sends fares on its way to `to`. */
  set(from: string, to: string, condition: LinkCondition): void {
    this.#conditions.set(from, to, condition);
    this.#update(from, to);
  }

  /** Between every node of the one side and every node of the other, both ways. */
  between(left: readonly string[], right: readonly string[], condition: LinkCondition): void {
    for (const a of left) {
      for (const b of right) {
        this.set(a, b, condition);
        this.set(b, a, condition);
      }
    }
  }

  /** Everything is as it should be again. */
  heal(): void {
    for (const [from, to] of this.#conditions.clear()) this.#update(from, to);
  }

  /** Resets the connections between two nodes; returns how many there were. */
  reset(a: string, b: string): number {
    return (this.#proxies.get(a)?.reset(b) ?? 0) + (this.#proxies.get(b)?.reset(a) ?? 0);
  }

  /** Damages so many of the chunks that come next from one node to another. Returns whether they are connected. */
  damage(from: string, to: string, chunks: number): boolean {
    return this.#proxies.get(to)?.damage(from, chunks) ?? false;
  }

  /** How many connections one node has opened to another so far. */
  opened(from: string, to: string): number {
    return this.#proxies.get(to)?.opened(from) ?? 0;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#proxies.keys()].map((node) => this.remove(node)));
  }

  /** A pair has two connections: one that each of them dialled. */
  #update(a: string, b: string): void {
    this.#proxies.get(a)?.update(b);
    this.#proxies.get(b)?.update(a);
  }
}
