import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guard } from '../../lib/cli/chaos/guard.js';
import { SmallDisk } from '../../lib/cli/chaos/small-disk.js';

describe('a small disk', () => {
  let directory: string;
  let guard: Guard;
  beforeEach(() => {
    guard = new Guard();
    directory = join(mkdtempSync(join(tmpdir(), 'rxraft-small-disk-')), 'n1');
    mkdirSync(join(directory, 'sub'), { recursive: true });
    writeFileSync(join(directory, 'sub', 'file'), 'before');
  });
  afterEach(async () => {
    await guard.close();
    rmSync(join(directory, '..'), { recursive: true });
  });

  it('has what the directory held, is full when it is, and leaves everything behind; where none may be mounted, nothing has changed', async () => {
    const disk = await SmallDisk.below(directory, guard);
    expect(readFileSync(join(directory, 'sub', 'file'), 'utf8')).toBe('before');
    if (disk !== null) {
      await disk.leave(64 << 10);
      writeFileSync(join(directory, 'fits'), Buffer.alloc(32 << 10));
      expect(() => writeFileSync(join(directory, 'does not'), Buffer.alloc(64 << 10))).toThrow('ENOSPC');
      await disk.end();
      expect(statSync(join(directory, 'fits')).size).toBe(32 << 10);
      expect(readFileSync(join(directory, 'sub', 'file'), 'utf8')).toBe('before');
    }
    expect(readdirSync(join(directory, '..'))).toEqual(['n1']);
  });

  it('gets full under somebody who writes all the while', async () => {
    const disk = await SmallDisk.below(directory, guard);
    if (disk === null) return;
    const writer = spawn('sh', ['-c', 'while head -c 65536 /dev/zero >> "$0"; do :; done', join(directory, 'log')], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
    const said: Buffer[] = [];
    writer.stderr.on('data', (text: Buffer) => said.push(text));
    const ended = once(writer, 'close');
    await disk.leave(0);
    await ended;
    expect(String(Buffer.concat(said))).toContain('No space left');
    await disk.end();
  });

  it('is unmounted by the guard when nobody else does it', async () => {
    const disk = await SmallDisk.below(directory, guard);
    if (disk !== null) {
      await guard.close();
      expect(existsSync(join(directory, 'sub'))).toBe(false);
    }
  });
});
