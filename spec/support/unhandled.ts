/**
 * Waits until Node has told of every promise that was rejected and not handled. Jest fails the test that runs then; it gives
 * tests a `process` of their own, so that a listener here would hear nothing (see spec/node/unhandled.spec.ts).
 */
export async function rejectionsTold(): Promise<void> {
  for (let i = 0; i < 3; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
