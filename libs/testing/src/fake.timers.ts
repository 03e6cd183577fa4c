/**
 * For `jest.useFakeTimers({ doNotFake })`: fakes only `setTimeout`. The test then controls time limits, while processes, sockets and
 * files run in real time.
 */
export const EVERYTHING_BUT_TIMEOUTS = [
  ...(['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask'] as const),
  ...(['setImmediate', 'clearImmediate', 'setInterval', 'clearInterval'] as const),
];
