import { join } from 'node:path';
import { ELECTIONS } from './elections.js';
import { GoldenFiles } from './golden-files.js';
import { MEMBERSHIP } from './membership.js';
import { READS } from './reads.js';
import { REPLICATION } from './replication.js';
import { transcriptOf } from './script.js';
import { SNAPSHOTS } from './snapshots.js';
import { TRANSFER } from './transfer.js';

const SCRIPTS = [...ELECTIONS, ...REPLICATION, ...MEMBERSHIP, ...SNAPSHOTS, ...READS, ...TRANSFER];
const files = GoldenFiles.fromEnvironment(join(process.cwd(), 'spec/golden'));

describe('The protocol, as it is written down', () => {
  test.each(SCRIPTS.map((script) => [script.name, script] as const))('%s', (name, script) => {
    const transcript = transcriptOf(script);
    expect(transcriptOf(script)).toBe(transcript); // the same story every time it is told
    files.check(name, transcript);
  });

  it('has a script for every transcript, and no name twice', () => {
    const names = SCRIPTS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    files.checkStale(names);
  });
});
