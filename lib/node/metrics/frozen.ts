/**
 * The value itself when it is frozen all the way down, otherwise a deeply frozen copy: an event's objects
 * belong to whoever made them. For plain JSON-safe data; for rare events, not for the hot path.
 */
export function deepFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || isDeepFrozen(value)) return value;
  const copy = Array.isArray(value)
    ? value.map((item: unknown) => deepFrozen(item))
    : Object.fromEntries(Object.entries(value).map(([key, item]: [string, unknown]) => [key, deepFrozen(item)]));
  return Object.freeze(copy) as T;
}

function isDeepFrozen(value: unknown): boolean {
  return typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isDeepFrozen));
}
