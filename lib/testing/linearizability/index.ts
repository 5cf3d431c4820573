/** Histories of concurrent clients, and whether they could have happened one call at a time. */
export { assertLinearizable, checkLinearizable, LinearizabilityError, type Linearizability, type LinearizabilityOptions } from './check.js';
export { History, type CallHandle } from './history.js';
export { journalModel, type JournalOperation, type KnownJournal } from './journal-model.js';
export { keyValueModel, type KeyValueExpectation, type KeyValueOperation, type KeyValueResult, type KeyValueState } from './key-value-model.js';
export type { Call, Model, ModelWords, Outcome } from './model.js';
