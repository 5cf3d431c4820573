import type { ClientHistory } from '../invariants/client-history.js';
import type { Application, ApplicationParts, MachineHost } from './application.js';
import { commandCodec, JournalMachine, jsonCodec } from './journal-machine.js';

/** Every node keeps a journal: a state that counts and digests all commands before it, so that each answer tells of them all. */
export class JournalApplication implements Application {
  constructor(private readonly history: ClientHistory) {}

  partsFor(host: MachineHost): ApplicationParts {
    const { server, delay } = host;
    const stateMachine = new JournalMachine({
      ...(delay === undefined ? {} : { delay }),
      onApply: (batch) => host.onApply(batch),
      onRestore: (state) => host.onRestore((last) => this.history.snapshotsEqualThePrefix(server, last.index, state)),
      snapshotShape: () => host.snapshotShape(),
    });
    return { stateMachine, commandCodec, valueCodec: jsonCodec };
  }
}
