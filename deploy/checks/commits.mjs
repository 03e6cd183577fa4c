// node deploy/checks/commits.mjs [RANGE]: fails when a commit subject is not "area: imperative summary" in 72 characters.
import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine, printError, readCommandLine, UsageError } from '../local/command.line.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
const LIMIT = 72;
const SUBJECT = /^[a-z][a-z0-9-]*(, [a-z][a-z0-9-]*)*: [^A-Z\s].*[^.\s]$/;
/** Number of commits that are checked without a range. */
const LATEST = 50;

export function subjectError(subject) {
  if (/^(Merge|Revert) /.test(subject)) return undefined;
  if ([...subject].length > LIMIT) return `has ${[...subject].length} characters; at most ${LIMIT} are allowed`;
  if (!SUBJECT.test(subject)) return 'is not of the form "area: imperative summary"';
  return undefined;
}

function git(root, ...args) {
  try {
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

export function commitErrors(root, range) {
  // An archive has no history, and the repository around it is another one.
  if (git(root, 'rev-parse', '--show-toplevel') !== realpathSync(root)) return undefined;
  const log = git(
    root,
    'log',
    '--no-merges',
    '--format=%h %s',
    ...(range === undefined ? [`-${LATEST}`] : [range, '--']),
  );
  if (log === undefined && range !== undefined) throw new UsageError(`RANGE takes commits, and git knows no ${range}.`);
  return (log ?? '').split('\n').flatMap((line) => {
    const subject = line.slice(line.indexOf(' ') + 1);
    const error = line === '' ? undefined : subjectError(subject);
    return error === undefined ? [] : [`commit ${line.slice(0, line.indexOf(' '))} "${subject}": the subject ${error}`];
  });
}

function main(args) {
  const command = commandLine(
    'node deploy/checks/commits.mjs',
    `Fails when a commit subject is not "area: imperative summary" in at most ${LIMIT} characters.`,
  ).argument('[RANGE]', `commits as git log takes them (default: the last ${LATEST})`);
  readCommandLine(command, args);
  const errors = commitErrors(ROOT, command.processedArgs[0]);
  if (errors === undefined) console.error('There is no git history here, so no commit is checked.');
  for (const error of errors ?? []) console.error(error);
  return errors === undefined || errors.length === 0 ? 0 : 1;
}

if (process.argv[1] === import.meta.filename) {
  try {
    process.exitCode = main(process.argv.slice(2));
  } catch (error) {
    process.exitCode = printError(error);
  }
}
