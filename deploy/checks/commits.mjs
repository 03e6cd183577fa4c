// node deploy/checks/commits.mjs [RANGE]: fails when a commit subject is not "area: imperative summary" in 72 characters.
// Default range: every commit after the one that added CONTRIBUTING.md, which states the rule.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const LIMIT = 72;
const SUBJECT = /^[a-z][a-z0-9-]*(, [a-z][a-z0-9-]*)*: [^A-Z\s].*[^.\s]$/;

/** The error in a subject. Undefined when there is none. Pure. */
export function subjectError(subject) {
  if (/^(Merge|Revert) /.test(subject)) return undefined;
  if ([...subject].length > LIMIT) return `has ${[...subject].length} characters; at most ${LIMIT} are allowed`;
  if (!SUBJECT.test(subject)) return 'is not of the form "area: imperative summary"';
  return undefined;
}

if (process.argv[1] === import.meta.filename) {
  const git = (...args) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  const rule = git('log', '--diff-filter=A', '--format=%H', '--', 'CONTRIBUTING.md').split('\n').at(-1);
  const range = process.argv[2] ?? (rule ? `${rule}..HEAD` : undefined);
  // Outside a repository with history, for example in an exported archive, there is nothing to check.
  const log = range === undefined ? '' : git('log', '--no-merges', '--format=%h %s', range);
  for (const line of log.split('\n').filter(Boolean)) {
    const [hash, ...words] = line.split(' ');
    const error = subjectError(words.join(' '));
    if (error === undefined) continue;
    process.exitCode = 1;
    console.error(`commit ${hash} "${words.join(' ')}": the subject ${error}`);
  }
}
