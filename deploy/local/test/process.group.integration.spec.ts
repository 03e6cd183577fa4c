import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from '@jest/globals';

const dir = mkdtempSync(join(tmpdir(), 'clipmesh-group-'));
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

describe('a command in its own process group', () => {
  it('ends when the process that runs the group is killed', async () => {
    const module = join(import.meta.dirname, '..', 'processes', 'process.group.mjs');
    const inner = join(dir, 'inner.mjs');
    const outer = join(dir, 'outer.mjs');
    writeFileSync(
      inner,
      `import { endWithNpm } from ${JSON.stringify(module)};
endWithNpm();
process.on('SIGHUP', () => { console.log('ended'); process.exit(0); });
console.log('started');
setInterval(() => undefined, 1000);`,
    );
    // As with npm, a shell is the parent of the inner process and outlives the killed one.
    writeFileSync(
      outer,
      `import { runGroup } from ${JSON.stringify(module)};
await runGroup('sh', ['-c', '"$0" "$1"; true', process.execPath, ${JSON.stringify(inner)}], {});`,
    );
    const runner = spawn(process.execPath, [outer], {
      env: { ...process.env, npm_lifecycle_event: 'test' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: runner.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('started');
    runner.kill('SIGKILL');
    expect((await lines.next()).value).toBe('ended');
    await once(runner, 'close');
  });
});
