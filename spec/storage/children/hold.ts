/** Opens the directory argv[2], says so, and holds it until stdin ends or it is killed. */
import { FileStorage } from '../../../lib/storage/file.js';

const storage = new FileStorage({ path: process.argv[2] ?? '' });
try {
  await storage.open({ clusterId: 'hold', nodeId: 'a' });
  process.stdout.write('open\n');
  process.stdin.resume();
  process.stdin.once('end', () => void storage.close().then(() => process.stdout.write('closed\n')));
} catch (error) {
  process.stdout.write(`refused: ${String(error)}\n`);
}
