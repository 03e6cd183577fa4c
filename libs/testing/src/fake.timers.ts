/**
 * For `jest.useFakeTimers({ doNotFake })`: only `setTimeout` runs on the test's clock. A limit is then over when the test
 * says so, while processes, sockets and files take the time they need.
 */
export const EVERYTHING_BUT_TIMEOUTS = [
  ...(['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask'] as const),
  ...(['setImmediate', 'clearImmediate', 'setInterval', 'clearInterval'] as const),
];
