/** Everything that a simulated operator may do. */
export const OPERATION_NAMES = Object.freeze(['snapshot', 'compaction', 'transfer', 'transfer to one', 'step down', 'campaign', 'pause of elections'] as const);

export type OperationName = (typeof OPERATION_NAMES)[number];
