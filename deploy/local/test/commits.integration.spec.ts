import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
// eslint-disable-next-line @nx/enforce-module-boundaries -- a plain script beside the packages, not one of them
import { commitErrors, subjectError } from '../../checks/commits.mjs';
import { UsageError } from '../command.line.mjs';

describe('the subject of a commit', () => {
  it.each([
    'gateway: reject unknown query parameters',
    'gateway, cost: name the account',
    'Merge branch main',
    'Revert "gateway: reject unknown query parameters"',
    `docs: ${'x'.repeat(66)}`,
  ])('may be %j', (subject) => {
    expect(subjectError(subject)).toBeUndefined();
  });

  it.each([
    ['reject unknown query parameters', 'is not of the form'],
    ['gateway: Reject unknown query parameters', 'is not of the form'],
    ['gateway: reject unknown query parameters.', 'is not of the form'],
    ['Gateway: reject', 'is not of the form'],
    [`docs: ${'x'.repeat(67)}`, 'has 73 characters; at most 72 are allowed'],
  ])('may not be %j', (subject, error) => {
    expect(subjectError(subject)).toContain(error);
  });
});

describe('the commits of a repository', () => {
  let folder: string;
  const at = (name: string): string => join(folder, name);
  const git = (root: string, ...args: string[]): string => {
    const who = ['-c', 'user.name=ann', '-c', 'user.email=ann@example.com', '-c', 'commit.gpgsign=false'];
    return execFileSync('git', [...who, ...args], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  };
  const commit = (subject: string): string => git(at('full'), 'commit', '--allow-empty', '-qm', subject);

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'clipmesh-commits-'));
    git(folder, 'init', '-q', 'full');
    commit('An old subject.');
    for (let index = 0; index < 48; index += 1) commit(`docs: write page ${index}`);
    commit('wrong one');
    commit('docs: write the last page');
    git(folder, 'clone', '-q', '--depth', '1', `file://${at('full')}`, 'shallow');
    cpSync(at('full'), at('archive'), { recursive: true, filter: (path) => !path.endsWith('.git') });
    git(folder, 'init', '-q', 'empty');
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('are checked up to the fiftieth', () => {
    expect(commitErrors(at('full'))).toEqual([
      expect.stringMatching(/^commit [0-9a-f]+ "wrong one": the subject is not of the form/),
    ]);
  });

  it('are checked in a range', () => {
    expect(commitErrors(at('full'), 'HEAD')).toHaveLength(2);
    expect(commitErrors(at('full'), 'HEAD~1..HEAD')).toEqual([]);
  });

  it('are those that a shallow clone has', () => {
    expect(commitErrors(at('shallow'))).toEqual([]);
  });

  it('are none before the first commit, and none in an archive', () => {
    expect(commitErrors(at('empty'))).toEqual([]);
    expect(commitErrors(at('archive'))).toBeUndefined();
  });

  it('are not those of a repository around an archive', () => {
    const inside = join(at('full'), 'archive');
    cpSync(at('archive'), inside, { recursive: true });
    expect(commitErrors(inside)).toBeUndefined();
  });

  it('of an unknown range are a wrong command line', () => {
    expect(() => commitErrors(at('full'), 'nowhere..HEAD')).toThrow(UsageError);
  });
});
