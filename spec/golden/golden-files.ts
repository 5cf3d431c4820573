import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lineDiff } from './line-diff.js';

const HOW_TO_ACCEPT = 'When that is what the protocol shall do, accept it with: UPDATE_GOLDEN=1 npx jest spec/golden';

/** The transcripts that are committed in one folder. */
export class GoldenFiles {
  constructor(
    private readonly folder: string,
    private readonly isUpdating: boolean,
  ) {}

  /** As the environment says; the build server never accepts anything. */
  static fromEnvironment(folder: string): GoldenFiles {
    const { UPDATE_GOLDEN: update = '', CI: ci = '' } = process.env;
    return new GoldenFiles(folder, update !== '' && update !== '0' && (ci === '' || ci === 'false'));
  }

  /** @throws {Error} with the differing lines, when the committed transcript is another one. */
  check(name: string, transcript: string): void {
    const path = join(this.folder, `${name}.txt`);
    const committed = existsSync(path) ? readFileSync(path, 'utf8').replaceAll('\r\n', '\n') : null;
    if (committed === transcript) return;
    if (this.isUpdating) writeFileSync(path, transcript);
    else if (committed === null) throw new Error(`There is no ${name}.txt. ${HOW_TO_ACCEPT}`);
    else throw new Error(`${name}.txt tells another story:\n\n${lineDiff(committed, transcript)}\n\n${HOW_TO_ACCEPT}`);
  }

  /** @throws {Error} when a transcript is committed that no script tells. */
  checkStale(names: readonly string[]): void {
    const stale = readdirSync(this.folder).filter((file) => file.endsWith('.txt') && !names.includes(file.slice(0, -'.txt'.length)));
    if (this.isUpdating) for (const file of stale) rmSync(join(this.folder, file));
    else if (stale.length > 0) throw new Error(`No script tells ${stale.join(', ')}. ${HOW_TO_ACCEPT}`);
  }
}
