/** Where the node's thread finds its code. (A file of its own because CommonJS, as which the tests run, has no `import.meta`.) */
export const workerUrl = new URL('./worker.js', import.meta.url);
