/** Appends to the directory argv[2] until the disk takes no more; says what was acknowledged and how it ended, and exits with 0. */
import { FileStorage } from '../../../lib/storage/file.js';

// A file that outgrows `ulimit -f` then fails to be written, as on a full disk, instead of ending the process.
process.on('SIGXFSZ', () => undefined);

const storage = new FileStorage({ path: process.argv[2] ?? '' });
await storage.open({ clusterId: 'full', nodeId: 'a' });
const payload = new Uint8Array(20_000).fill(1);
let acknowledged = 0;
const failures: string[] = [];
const append = async (index: number): Promise<void> => {
  await storage.append({ id: index, hardState: null, truncateAfter: null, entries: [{ index, term: 1, kind: 'command', payload }] });
  acknowledged = index;
};
// Three at once, so that some fail while they wait behind the one that fails.
for (let index = 1; failures.length === 0; index += 3) {
  const outcomes = await Promise.allSettled([append(index), append(index + 1), append(index + 2)]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') failures.push(String(outcome.reason));
}
await append(acknowledged + 1).catch((error: unknown) => failures.push(String(error)));
await storage.read(1, 1, 1).catch((error: unknown) => failures.push(String(error)));
await storage.close();
process.stdout.write(JSON.stringify({ acknowledged, failures }));
