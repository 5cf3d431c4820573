import fc from 'fast-check';
import { KvMachine } from '../../../lib/server/kv-machine.js';
import type { KvAnswer, KvCommand, KvResult } from '../../../lib/server/kv/commands.js';
import { checkLinearizable, History, keyValueModel, type KeyValueOperation, type KeyValueResult } from '../../../lib/testing/linearizability/index.js';

const keys = fc.constantFrom('a', 'b');
const expectations = fc.oneof(fc.constantFrom('absent' as const, 'present' as const), fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 4 }));
const operations = fc.oneof(
  fc.record({ type: fc.constant('get' as const), key: keys }),
  fc.record({ type: fc.constant('put' as const), key: keys, value: fc.constantFrom('1', '2', '3'), expect: expectations }, { requiredKeys: ['type', 'key', 'value'] }),
  fc.record({ type: fc.constant('delete' as const), key: keys, expect: expectations }, { requiredKeys: ['type', 'key'] }),
);

describe('the model of a key-value store', () => {
  it('says what the store of rxraft serve does, whatever part of the answers is lost', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(operations, fc.boolean()), { maxLength: 40 }), (steps) => {
        const machine = new KvMachine();
        const history = new History<KeyValueOperation, KeyValueResult>();
        steps.forEach(([operation, isHeard], i) => {
          const call = history.begin('client', operation);
          const result = execute(machine, operation, i + 1);
          if (isHeard) call.done(result);
          else call.unknown();
        });
        const verdict = checkLinearizable(keyValueModel, history.calls);
        if (verdict.type !== 'linearizable') throw new Error(verdict.text);
      }),
      { numRuns: 300 },
    );
  });
});

/** What a client of the machine records: values as texts, everything else as it comes. */
function execute(machine: KvMachine, operation: KeyValueOperation, index: number): KeyValueResult {
  if (operation.type === 'get') {
    const { entry } = machine.query(operation) as KvAnswer & { readonly type: 'entry' };
    return { type: 'entry', entry: entry === null ? null : { ...entry, value: Buffer.from(entry.value).toString() } };
  }
  const command = (operation.type === 'put' ? { ...operation, value: Buffer.from(operation.value) } : operation) as KvCommand;
  const [result] = machine.apply([{ index, term: 1, command }]);
  return result as Exclude<KvResult, { type: 'refused' }>;
}
