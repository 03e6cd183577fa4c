import { type ESLint } from 'eslint';

/** Rules for tests: `no-elapsed-time` refuses assertions on measured time, `hang-deadline` deadlines below 60 s. */
export const testTime: ESLint.Plugin;
