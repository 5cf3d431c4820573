import type { Committed, StateMachine } from '../../lib/ports/state-machine.js';

/** Commands are words; applying one gives how many there are now; any query gives them all. */
export class ListMachine implements StateMachine<string, number, string, string[]> {
  words: string[] = [];
  resets = 0;

  apply(batch: readonly Committed<string>[]): readonly number[] | Promise<readonly number[]> {
    return batch.map(({ command }) => this.words.push(command));
  }

  query(_query: string): string[] | Promise<string[]> {
    return [...this.words];
  }

  snapshot(): AsyncIterable<Uint8Array> {
    return encoded(this.words.join('\n'));
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    let text = '';
    for await (const chunk of chunks) text += new TextDecoder().decode(chunk);
    this.words = text === '' ? [] : text.split('\n');
  }

  reset(): void {
    this.words = [];
    this.resets += 1;
  }
}

async function* encoded(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(new TextEncoder().encode(text));
}
