/** Faults put into the server that only a real process shows; each must turn its test red. */
export const serverMutants = [
  {
    name: "an append is acknowledged before it is written",
    file: "src/adapters/stores/sessions/files/session-log.ts",
    find: "    return this.#lastWrite;\n  }",
    replace: "    this.#lastWrite.catch(() => undefined);\n    return Promise.resolve();\n  }",
    test: "test/faults/kill-loop.test.ts",
  },
];
