import { ConfigError } from '../../ports/errors.js';

/**
 * The bound as given, when it is one.
 * @throws {ConfigError} otherwise.
 */
export function checkedCapacity(capacity: number): number {
  if (Number.isSafeInteger(capacity) && capacity >= 1) return capacity;
  throw new ConfigError([{ option: 'capacity', value: capacity, allowed: 'an integer of at least 1' }]);
}
