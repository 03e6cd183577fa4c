import { afterAll, afterEach, beforeAll, describe } from '@jest/globals';
import { createBench } from './contract.bench.js';
import { type Subject } from './contract.subject.js';
import { endingCases } from './ending.cases.js';
import { hostileCases } from './hostile.cases.js';
import { purchaseCases } from './purchase.cases.js';

/** The contract of {@link ClipProvider}, for one adapter and the server that it is tested against. Undefined: the server is not here. */
export function describeProvider(name: string, subject: Subject | undefined): void {
  if (subject === undefined) {
    describe.skip(name, () => undefined);
    return;
  }
  describe(name, () => {
    const bench = createBench(subject);
    beforeAll(() => subject.start());
    afterEach(() => bench.clear());
    afterAll(() => subject.stop());
    purchaseCases(bench);
    endingCases(bench);
    hostileCases(bench);
  });
}
